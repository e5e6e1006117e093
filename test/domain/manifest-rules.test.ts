import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NodeName, Sha1, Sha256 } from '../../src/domain/brands.js';
import type { Manifest, ManifestEntry } from '../../src/domain/manifest.js';
import { coversBundle, entryKey, fieldName, manifestProblems, parseInstant } from '../../src/domain/manifest-rules.js';
import { targetIdentifier } from '../../src/domain/settings.js';
import { certificateNamed, manifests, profileNamed, sha1Named, TEAM } from './manifest-arbitrary.js';

const identity = sha1Named('one');
const entry = (bundleId: string, more: Partial<ManifestEntry> = {}): ManifestEntry => ({
  app: 'courier',
  role: 'host',
  team: TEAM,
  bundleId,
  method: 'app-store',
  targets: [bundleId],
  identity,
  profile: profileNamed(bundleId, bundleId, identity),
  ...more,
});
const manifest = (...profiles: readonly ManifestEntry[]): Manifest => ({
  schemaVersion: 1,
  line: 'ios-main' as never,
  certificates: { [identity]: certificateNamed('one') },
  profiles,
});
const problemsOf = (...profiles: readonly ManifestEntry[]): readonly string[] =>
  manifestProblems(manifest(...profiles)).map(({ path, found, expected }) => `${fieldName(path)}: found ${found}, expected ${expected}`);

describe('the rules of a manifest (S1, S3)', () => {
  it('finds nothing wrong with any manifest that is whole', () => {
    fc.assert(fc.property(manifests, (one) => void expect(manifestProblems(one)).toEqual([])));
  });

  it('refuses a key that is there twice, naming the first', () => {
    const second = { ...entry('com.acme.a'), profile: profileNamed('other', 'com.acme.a', identity), targets: ['Other'] };
    expect(problemsOf(entry('com.acme.a'), second)).toEqual([
      `profiles[1]: found ${TEAM} com.acme.a app-store, expected a key of its own; profiles[0] has it already`,
    ]);
  });

  it('refuses one UUID with two digests, and one UUID in two entries', () => {
    const shared = entry('com.acme.a').profile;
    const other = entry('com.acme.b', { profile: { ...shared, appId: `${TEAM}.com.acme.b` } });
    expect(problemsOf(entry('com.acme.a'), other).join()).toContain('profiles[1].profile.uuid: found');
    const changed = entry('com.acme.b', { profile: { ...shared, appId: `${TEAM}.com.acme.b`, sha256: 'a'.repeat(64) as Sha256 } });
    expect(problemsOf(entry('com.acme.a'), changed).join()).toContain('profiles[1].profile.sha256: found aaaa');
  });

  it('lets a wildcard profile serve several entries, and one profile several holders, described alike', () => {
    const wildcard = { ...profileNamed('wild', '*', identity), appId: `${TEAM}.com.acme.*` };
    expect(problemsOf(entry('com.acme.a', { profile: wildcard }), entry('com.acme.b', { profile: wildcard }))).toEqual([]);
    expect(
      problemsOf(entry('com.acme.a', { profile: wildcard }), entry('com.acme.b', { profile: { ...wildcard, name: 'another' } })).join(),
    ).toContain('expected the one of profiles[0]');
    expect(problemsOf(entry('com.acme.a', { holder: 'ams-1' as NodeName }), entry('com.acme.a', { holder: 'ams-2' as NodeName }))).toEqual(
      [],
    );
  });

  it('refuses a file name that is not <uuid>.mobileprovision (R2)', () => {
    const one = entry('com.acme.a');
    expect(problemsOf({ ...one, profile: { ...one.profile, fileName: 'Courier.mobileprovision' } })).toEqual([
      `profiles[0].profile.fileName: found Courier.mobileprovision, expected ${one.profile.uuid}.mobileprovision`,
    ]);
  });

  it('refuses an identity that is unknown, of another team, or not embedded in the profile', () => {
    const unknown = 'f'.repeat(40) as Sha1;
    const problems = problemsOf(entry('com.acme.a', { identity: unknown }));
    expect(problems).toHaveLength(2);
    expect(problems.every((one) => one.startsWith('profiles[0].identity'))).toBe(true);
    expect(problemsOf(entry('com.acme.a', { team: 'AAAAAAAAAA' as never })).join()).toContain("one of the entry's team AAAAAAAAAA");
  });

  it('refuses times that are wrong, and a profile that ends before it begins', () => {
    const one = entry('com.acme.a');
    expect(problemsOf({ ...one, profile: { ...one.profile, createdAt: '2026-02-30T00:00:00Z' } }).join()).toContain('createdAt');
    expect(problemsOf({ ...one, profile: { ...one.profile, expiresAt: one.profile.createdAt } }).join()).toContain(
      'a time after createdAt',
    );
    expect(parseInstant('2026-02-30T00:00:00Z')).toBeNull();
    expect(parseInstant('2026-02-28T00:00:00.000Z')).toBeNull();
  });

  it("refuses targets that collide after Xcode's :identifier, within one build only (R12)", () => {
    const one = entry('com.acme.a', { targets: ['Courier-Notify'] });
    const two = entry('com.acme.b', { targets: ['Courier Notify'] });
    expect(problemsOf(one, two)).toEqual([
      `profiles[1].targets[0]: found Courier Notify, expected a name that differs from Courier-Notify of ${entryKey(one)} after Xcode's :identifier (both are Courier_Notify)`,
    ]);
    expect(problemsOf(one, { ...two, method: 'ad-hoc' })).toEqual([]);
    expect(problemsOf({ ...one, holder: 'ams-1' as NodeName }, { ...two, holder: 'ams-2' as NodeName })).toEqual([]);
  });

  it('tells every problem at once', () => {
    const one = entry('com.acme.a', { targets: [], team: 'short' as never });
    const problems = problemsOf({ ...one, profile: { ...one.profile, fileName: 'x', appId: `${TEAM}.com.other`, expiresAt: 'soon' } });
    for (const field of ['team', 'targets', 'fileName', 'appId', 'expiresAt'])
      expect(problems.some((text) => text.includes(field))).toBe(true);
  });
});

describe("Xcode's names", () => {
  // Cases of swift-build's own test of asLegalCIdentifier.
  it.each([
    ['ab7', 'ab7'],
    ['_ab', '_ab'],
    ['7ab', '_ab'],
    ['78ab', '_8ab'],
    ['a.b-c', 'a_b_c'],
    ['|a^b&c|', '_a_b_c_'],
    ['oo\u0304o', 'o_o'],
    ['o\u014do', 'o_o'],
  ])('%s becomes %s', (target, identifier) => {
    expect(targetIdentifier(target)).toBe(identifier);
  });

  it.each([
    ['P.com.acme.a', 'com.acme.a', true],
    ['P.com.acme.*', 'com.acme.a', true],
    ['P.*', 'org.x', true],
    ['P.com.acme.a', 'com.acme.ab', false],
    ['P.com.acme.*', 'com.acm', false],
  ])('%s covers %s: %s', (appId, bundle, covers) => {
    expect(coversBundle(appId, bundle)).toBe(covers);
  });
});
