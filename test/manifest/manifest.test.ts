import fc from 'fast-check';
import { createHash } from 'node:crypto';
import { parse } from 'plist';
import { describe, expect, it } from 'vitest';
import type { NodeName } from '../../src/domain/brands.js';
import { ResealError } from '../../src/domain/errors.js';
import type { Manifest } from '../../src/domain/manifest.js';
import { canonicalJson } from '../../src/manifest/canonical-json.js';
import { freezeManifest } from '../../src/manifest/freeze.js';
import { parseManifest } from '../../src/manifest/parse.js';
import { renderSettings } from '../../src/manifest/settings.js';
import { manifests, profileNamed, sha1Named } from '../domain/manifest-arbitrary.js';
import { manifestOf, IDENTITY } from '../node/mesh.js';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');
const bytes = (value: string): Uint8Array => Buffer.from(value, 'utf8');
const sample = manifestOf('2025');
const frozenText = text(freezeManifest(sample).bytes);

function refusal(value: string): ResealError {
  try {
    parseManifest(bytes(value), 'ios/profiles.json');
  } catch (error) {
    if (error instanceof ResealError) return error;
    throw error;
  }
  throw new Error('it was accepted');
}

describe('freezing (S1)', () => {
  it('writes sorted keys, two spaces, LF, a final newline; digests as sha256sum and shasum print them', () => {
    const frozen = freezeManifest(sample);
    expect(text(frozen.bytes)).toMatch(/^\{\n {2}"certificates": \{\n {4}"97134e8c/);
    expect(text(frozen.bytes).endsWith('\n}\n')).toBe(true);
    expect(text(frozen.bytes)).not.toContain('\r');
    expect(frozen.sha256).toBe(createHash('sha256').update(frozen.bytes).digest('hex'));
    expect(frozen.sha1).toBe(createHash('sha1').update(frozen.bytes).digest('hex'));
  });

  it('is undone by parsing, for any manifest', () => {
    fc.assert(fc.property(manifests, (manifest) => void expect(parseManifest(freezeManifest(manifest).bytes)).toEqual(manifest)));
  });

  it('does not depend on the order in which members were written', () => {
    const shuffled = { profiles: sample.profiles, line: sample.line, certificates: sample.certificates, schemaVersion: 1 } as Manifest;
    expect(freezeManifest(shuffled).sha256).toBe(freezeManifest(sample).sha256);
  });

  it('refuses a manifest with problems, telling all of them', () => {
    const [first, ...rest] = sample.profiles;
    const bad = { ...sample, profiles: [{ ...first!, targets: [] }, { ...first!, targets: [] }, ...rest] };
    expect(() => freezeManifest(bad)).toThrow(ResealError);
    try {
      freezeManifest(bad);
    } catch (error) {
      expect((error as ResealError).code).toBe('MANIFEST_INVALID');
      expect((error as ResealError).details.length).toBeGreaterThanOrEqual(3);
    }
  });

  it('has one spelling for any JSON value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const once = canonicalJson(value);
        expect(canonicalJson(JSON.parse(once))).toBe(once);
      }),
    );
    expect(() => canonicalJson({ a: Number.NaN })).toThrow(TypeError);
    expect(canonicalJson(JSON.parse('{"__proto__": 1, "a": 2}'))).toBe('{\n  "__proto__": 1,\n  "a": 2\n}\n');
  });
});

describe('reading strictly (S1, S3)', () => {
  it('names file, line and field of an unknown field', () => {
    const error = refusal(frozenText.replace('"app": "courier"', '"app": "courier",\n      "latest": true'));
    expect(error.code).toBe('MANIFEST_INVALID');
    expect(error.message).toMatch(/^ios\/profiles\.json:\d+: profiles\[0\]\.latest: found an unknown field/);
    const line = Number(/json:(\d+):/.exec(error.message)?.[1]);
    expect(frozenText.split('\n')[line - 2]).toContain('"app": "courier"');
  });

  it('says what was found and what was expected, for every field at once', () => {
    const error = refusal(frozenText.replaceAll('"iOS"', '7').replace('"schemaVersion": 1', '"schemaVersion": 2'));
    expect(error.details.some((one) => one.includes('schemaVersion: found 2, expected 1'))).toBe(true);
    expect(error.details.filter((one) => one.includes('platforms[0]: found 7, expected string'))).toHaveLength(4);
  });

  it('says where text stops being JSON', () => {
    expect(refusal('{\n  "a": 1,\n  oops\n}\n').message).toMatch(/profiles\.json(:3)?: this is not JSON/);
  });

  it.each([
    ['CRLF', frozenText.replaceAll('\n', '\r\n')],
    ['no final newline', frozenText.trimEnd()],
    ['four spaces', `${JSON.stringify(JSON.parse(frozenText), null, 4)}\n`],
    [
      'unsorted keys',
      `${JSON.stringify({ line: sample.line, certificates: sample.certificates, schemaVersion: 1, profiles: sample.profiles }, null, 2)}\n`,
    ],
    ['a member twice', frozenText.replace('"line": "ios-main"', '"line": "ios-main",\n  "line": "ios-main"')],
    ['a byte order mark', `\uFEFF${frozenText}`],
  ])('refuses bytes that are not the frozen form: %s', (_, value) => {
    expect(refusal(value).message).toMatch(/not frozen bytes|not JSON/);
  });

  it('refuses what the rules refuse, with the line', () => {
    const uuid = sample.profiles[0]!.profile.uuid;
    const error = refusal(frozenText.replace(`"fileName": "${uuid}.mobileprovision"`, '"fileName": "x.mobileprovision"'));
    expect(error.message).toMatch(/:\d+: profiles\[0\]\.profile\.fileName: found x\.mobileprovision/);
  });

  it('never lets any changed byte through as the same manifest', () => {
    fc.assert(
      fc.property(fc.nat({ max: frozenText.length - 1 }), fc.integer({ min: 1, max: 127 }), (at, flip) => {
        const changed = Buffer.from(frozenText);
        changed[at] = changed[at]! ^ flip;
        try {
          expect(parseManifest(changed)).not.toEqual(sample);
        } catch (error) {
          expect((error as ResealError).code).toBe('MANIFEST_INVALID');
        }
      }),
    );
  });
});

describe('what builds read (R12)', () => {
  const { sha256 } = freezeManifest(sample);
  const file = (name: string, manifest = sample): string =>
    text(renderSettings(manifest, sha256).find((one) => one.path.endsWith(name))!.bytes);

  it('renders one xcconfig for all targets, by UUID and certificate SHA-1', () => {
    const [host] = sample.profiles;
    const config = file('reseal.xcconfig');
    expect(config).toContain(
      `RESEAL_PROFILE_courier = ${host!.profile.uuid}\nRESEAL_IDENTITY_courier = ${IDENTITY.toUpperCase()}\nRESEAL_TEAM_courier = 9QK4T7XW2B\nRESEAL_STYLE_courier = Manual\n`,
    );
    expect(config).toContain(
      'PROVISIONING_PROFILE_SPECIFIER = $(RESEAL_PROFILE_$(TARGET_NAME:identifier))\nCODE_SIGN_IDENTITY = $(RESEAL_IDENTITY_$(TARGET_NAME:identifier))\nDEVELOPMENT_TEAM = $(RESEAL_TEAM_$(TARGET_NAME:identifier))\nCODE_SIGN_STYLE = $(RESEAL_STYLE_$(TARGET_NAME:identifier))\n',
    );
    expect(renderSettings(sample, sha256).map((one) => one.path)).toEqual([
      `${sha256}/app-store/reseal.xcconfig`,
      `${sha256}/app-store/ExportOptions.plist`,
    ]);
  });

  it("renders export options with Xcode 15.3's names, older names on request", () => {
    const options = parse(file('ExportOptions.plist')) as Record<string, unknown>;
    expect(options).toEqual({
      method: 'app-store-connect',
      provisioningProfiles: Object.fromEntries(sample.profiles.map((entry) => [entry.bundleId, entry.profile.uuid])),
      signingCertificate: IDENTITY.toUpperCase(),
      signingStyle: 'manual',
      teamID: '9QK4T7XW2B',
    });
    const old = renderSettings(sample, sha256, { methodNames: 'before-15.3' })[1]!;
    expect(text(old.bytes)).toContain('<string>app-store</string>');
  });

  it('leaves out the signing certificate where entries differ in it, and lets their profiles decide', () => {
    const identity = sha1Named('new');
    const [first, ...rest] = sample.profiles;
    const mixed = { ...sample, profiles: [{ ...first!, identity, profile: profileNamed('new', first!.bundleId, identity) }, ...rest] };
    expect(file('ExportOptions.plist', mixed)).not.toContain('signingCertificate');
  });

  it('renders the key alias of each target where keys are at a sidecar, and changes nothing else (S4)', () => {
    const [plain, aliased] = (['nodes', 'sidecar'] as const).map((keys) =>
      renderSettings(sample, sha256, { keys }).map((one) => text(one.bytes)),
    );
    const added = (aliased?.[0] ?? '').split('\n').filter((line) => line.startsWith('RESEAL_ALIAS_'));
    expect(added).toContain(`RESEAL_ALIAS_courier = ${sample.line}-${IDENTITY.slice(0, 8)}`);
    expect(added).toHaveLength(sample.profiles.flatMap((entry) => entry.targets).length);
    expect(
      (aliased?.[0] ?? '')
        .split('\n')
        .filter((line) => !line.startsWith('RESEAL_ALIAS_'))
        .join('\n'),
    ).toBe(plain?.[0]);
    expect(aliased?.[1]).toBe(plain?.[1]);
  });

  it('gives equal bytes for equal content in any order', () => {
    fc.assert(
      fc.property(manifests, (manifest) => {
        const reversed = { ...manifest, profiles: [...manifest.profiles].reverse() };
        for (const holder of [null, 'ams-build-1' as NodeName])
          expect(renderSettings(reversed, sha256, { holder })).toEqual(renderSettings(manifest, sha256, { holder }));
      }),
    );
  });

  it('gives a holder its own entries and nobody else’s, a variant its own and the plain ones it does not replace', () => {
    fc.assert(
      fc.property(manifests, (manifest) => {
        const rendered = renderSettings(manifest, sha256, { holder: 'ams-build-1' as NodeName });
        const foreign = manifest.profiles.filter((entry) => entry.holder === 'ams-build-2').map((entry) => entry.profile.uuid);
        for (const { path, bytes: content } of rendered) {
          for (const uuid of foreign) expect(text(content)).not.toContain(uuid);
          const variant = path.split('/').length === 4 ? path.split('/')[2] : undefined;
          for (const entry of manifest.profiles)
            if (text(content).includes(entry.profile.uuid)) expect([undefined, variant]).toContain(entry.variant);
        }
      }),
    );
  });
});
