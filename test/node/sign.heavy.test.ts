import { execFileSync } from 'node:child_process';
import { chmod, cp, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Manifest, ManifestEntry } from '../../src/domain/manifest.js';
import type { NodeResult } from '../../src/domain/node/report.js';
import type { NodeDeclaration, UnlockWindow } from '../../src/domain/topology.js';
import type { DistributionCertificate } from '../../src/simulator/apple-hierarchy.js';
import { clearFault, setFault, type Fault } from '../../src/simulator/mac/faults.js';
import { installMac, setClock } from '../../src/simulator/mac/install.js';
import { findRcodesign } from '../../src/mac/rcodesign.js';
import { readMachO } from '../../src/mac/code-signature.js';
import { request } from '../profile/support.js';
import { hostsFolder } from '../setup/hosts-folder.js';
import { simulatedMac, type Mac } from '../simulator/mac/support.js';
import { nodesAreLocal, NOW, POLICY, world, XCODE16, type World } from './mesh.js';

const RCODESIGN = findRcodesign();
const needsRcodesign = it.skipIf(RCODESIGN === null);

let mac: Mac;
let mesh: World;
let identity: DistributionCertificate;
const SIGNER: Partial<NodeDeclaration> = { environment: 'production', keys: 'allowed', roles: ['signer'] };
const short = (): string => identity.sha1.slice(0, 8);

beforeEach(async () => {
  mac = await simulatedMac({}, nodesAreLocal() ? tmpdir() : hostsFolder());
  await setClock(mac.home, new Date(NOW));
  identity = await mac.issue();
  mac.importReady(identity);
});
afterEach(async () => {
  await mesh.remove();
  mac.dispose();
});

/** Real profiles of the simulated Apple, for the entry's own bundle unless a test says otherwise. */
const profileOf =
  (over: Partial<Parameters<typeof request>[0]> = {}) =>
  ({ bundleId, profile }: ManifestEntry): Uint8Array =>
    mac.apple.makeProfile(
      request({
        certificates: [identity],
        uuid: profile.uuid,
        name: profile.name,
        bundleId,
        createdAt: new Date(profile.createdAt),
        expiresAt: new Date(profile.expiresAt),
        ...over,
      }),
    );

async function nodeOnMac(
  more: {
    readonly node?: Partial<NodeDeclaration>;
    readonly profile?: Partial<Parameters<typeof request>[0]>;
    readonly windows?: readonly UnlockWindow[];
    readonly manifest?: (manifest: Manifest) => Manifest;
  } = {},
): Promise<void> {
  const named = (manifest: Manifest): Manifest => ({
    ...manifest,
    certificates: Object.fromEntries(
      Object.entries(manifest.certificates).map(([sha1, one]) => [sha1, { ...one, commonName: identity.commonName }]),
    ),
  });
  mesh = await world({
    home: mac.home,
    node: { ...SIGNER, ...more.node },
    identity: identity.sha1,
    policy: { probe: { ...POLICY.probe, passes: 2, checkTimeout: 3_000 } },
    profiles: profileOf(more.profile),
    manifest: (manifest) => (more.manifest ?? ((same) => same))(named(manifest)),
    ...(more.windows === undefined ? {} : { keychains: { unlockWindows: more.windows, onUnlockFailure: [] } }),
  });
  await mesh.onItsDisk().stageNode({ ...mesh.order(1, 'stage'), rotation: 'ios-main-0', to: mesh.from });
}
const switchNode = (): Promise<NodeResult> =>
  mesh.activities().switchNode({ ...mesh.order(2, 'switch-1'), rotation: 'ios-main-0', target: mesh.from, revertTo: null });
const state = (...names: string[]): string => join(mac.home, 'usr/local/var/reseal/state', ...names);

/** Puts a program before one of the Mac's own: `before` is shell, run with the arguments; the Mac's goes on unless it exits. */
async function wrap(program: string, before: string, after = ''): Promise<void> {
  const real = join(mac.home, 'bin', program);
  await cp(real, `${real}.real`);
  await writeFile(real, `#!/bin/sh\n${before}\n(exec -a x true) 2>/dev/null; "${real}.real" "$@"; code=$?\n${after}\nexit $code\n`);
  await chmod(real, 0o755);
}

describe('the signing canary (S2, S5, R4)', () => {
  needsRcodesign('signs an app with an extension once per switch, exports it, and leaves nothing behind', async () => {
    await nodeOnMac();
    await wrap(
      'codesign',
      `echo "$@" >>'${mac.path('calls')}'; [ ! -d '${state('canary')}' ] || cp -R '${state('canary')}' '${mac.path('kept')}'`,
    );
    expect(await switchNode()).toMatchObject({ outcome: 'done', passes: 2, reason: '' });
    const calls = (await readFile(mac.path('calls'), 'utf8')).trim().split('\n');
    expect(calls.filter((call) => call.includes('--sign'))).toHaveLength(2);
    expect(calls[0]).toContain(`--sign ${identity.sha1.toUpperCase()}`);
    expect(calls[0]).toContain('CanaryExtension.appex');
    expect(calls).toHaveLength(5);
    expect(existsSync(state('canary'))).toBe(false);
  });

  needsRcodesign('what it signs verifies by OpenSSL and by rcodesign, with the entitlements of the profile', async () => {
    await nodeOnMac({ profile: { bundleId: 'com.acme.*' } });
    await wrap('codesign', '', `rm -rf '${mac.path('kept')}'; cp -R '${state('canary')}'/ams-build-1.ios-main.* '${mac.path('kept')}'`);
    await switchNode();
    const app = mac.path('kept/Canary.xcarchive/Products/Applications/Canary.app');
    for (const [executable, bundleId] of [
      ['Canary', 'com.acme.courier'],
      ['PlugIns/CanaryExtension.appex/CanaryExtension', 'com.acme.courier.notify'],
    ] as const) {
      const signature = readMachO(await readFile(join(app, executable)))?.signature;
      await writeFile(mac.path('cms'), signature?.cms ?? '');
      await writeFile(mac.path('content'), signature?.codeDirectory.bytes ?? '');
      await writeFile(mac.path('root.pem'), mac.apple.rootPem);
      const files = ['-in', mac.path('cms'), '-content', mac.path('content'), '-CAfile', mac.path('root.pem'), '-out', mac.path('out')];
      execFileSync('openssl', ['cms', '-verify', '-binary', '-inform', 'DER', '-purpose', 'any', ...files], { stdio: 'pipe' });
      expect((await readFile(mac.path('out'))).equals(await readFile(mac.path('content')))).toBe(true);
      expect(signature?.codeDirectory).toMatchObject({ identifier: bundleId, team: '9QK4T7XW2B' });
      const said = execFileSync(RCODESIGN ?? '', ['verify', join(app, executable)], { encoding: 'utf8', stdio: 'pipe' });
      expect(said).not.toMatch(/error|problem/i);
      expect(Buffer.from(signature?.blobs.get(5) ?? []).toString('utf8')).toContain(`9QK4T7XW2B.${bundleId}</string>`);
    }
  });

  it('is not due outside the unlock window: nothing is signed', async () => {
    const never: UnlockWindow = { days: ['mon'], from: '20:00', to: '22:00', zone: 'UTC' };
    await nodeOnMac({ windows: [never] });
    await wrap('codesign', `echo "$@" >>'${mac.path('calls')}'`);
    expect((await switchNode()).outcome).toBe('done');
    expect(existsSync(mac.path('calls'))).toBe(false);
  });

  it('a keychain that locks between looking and signing is told by its state', async () => {
    await nodeOnMac();
    await wrap('codesign', `security lock-keychain '${mac.login}'`);
    expect(await switchNode()).toMatchObject({
      outcome: 'failed',
      reason: `Node ams-build-1: the keychain login.keychain-db is locked, so \`codesign\` may not use ${short()} (errSecInternalComponent); unlock it in the session in which builds sign.`,
    });
  });

  it('a codesign that never ends, or is not there, is inconclusive and never a pass', async () => {
    await nodeOnMac();
    await setFault(mac.home, { kind: 'hang', programs: ['codesign'] });
    expect(await switchNode()).toMatchObject({ outcome: 'inconclusive', reason: expect.stringContaining('did not end in time') });
    await clearFault(mac.home, 'hang');
    await rm(join(mac.home, 'bin/codesign'));
    const again = mesh.activities().switchNode({ ...mesh.order(3, 'again'), rotation: 'ios-main-0', target: mesh.from, revertTo: null });
    expect(await again).toMatchObject({ outcome: 'inconclusive', reason: expect.stringContaining('it has no `codesign`') });
  }, 60_000);

  needsRcodesign('another language and 10 MB of output change nothing', async () => {
    await nodeOnMac();
    await setFault(mac.home, { kind: 'other-locale' });
    await setFault(mac.home, { kind: 'flood', programs: ['codesign', 'xcodebuild'] });
    expect(await switchNode()).toMatchObject({ outcome: 'done' });
  });

  needsRcodesign('an attempt that was killed leaves a folder that the next one clears', async () => {
    await nodeOnMac();
    // And what somebody has laid there to lead it elsewhere.
    await mkdir(mac.path('precious'), { recursive: true });
    await writeFile(mac.path('precious/file'), 'x');
    await mkdir(state('canary'), { recursive: true });
    await symlink(mac.path('precious'), state('canary/ams-build-1.ios-main.link'));
    await mkdir(state('canary/ams-build-1.ios-main.left/Canary.xcarchive/deep'), { recursive: true });
    await writeFile(state('canary/ams-build-1.ios-main.left/Canary.xcarchive/deep/left'), 'x');
    expect((await switchNode()).outcome).toBe('done');
    expect(await readdir(state())).not.toContain('canary');
    expect(await readdir(mac.path('precious'))).toEqual(['file']);
  });
});

describe('the export canary', () => {
  needsRcodesign('an .ipa with another profile than the manifest names is found, though xcodebuild succeeds', async () => {
    await nodeOnMac();
    const other = mesh.manifests.from.profiles[0]!;
    // A second file of the same UUID, valid longer: Xcode takes that one.
    const bytes = profileOf({ expiresAt: new Date('2098-01-01T00:00:00Z') })(other);
    await writeFile(join(mac.home, XCODE16, 'zzz.mobileprovision'), bytes);
    const { outcome, reason } = await switchNode();
    expect(outcome).toBe('failed');
    expect(reason).toMatch(/\.ipa of com\.acme\.courier has other profiles/);
  });
});

/** What a program says is judged alike, however it came here; so over other ways only how programs run and end is tried once more. */
if (nodesAreLocal()) {
  describe('what codesign says (S2, S5)', () => {
    it.each<[string, Fault, RegExp]>([
      ['a missing partition list', { kind: 'no-partition-list' }, /login\.keychain-db is unlocked.*partition list.*login session/],
      ['the wrong login context', { kind: 'wrong-context' }, /login\.keychain-db is unlocked.*partition list.*login session/],
    ])('%s fails with host, keychain and remedy', async (_name, fault, sentence) => {
      await nodeOnMac();
      await setFault(mac.home, fault);
      const { outcome, reason } = await switchNode();
      expect(outcome).toBe('failed');
      expect(reason).toMatch(/^Node ams-build-1: `codesign` may not use the key of [0-9a-f]{8} /);
      expect(reason).toMatch(sentence);
      expect(existsSync(state('canary'))).toBe(false);
      await clearFault(mac.home, fault.kind);
    });

    it.each([
      ['no identity found', 'X: no identity found', /finds no identity/],
      ['an identity for something else', 'X: this identity cannot be used for signing code', /does not take the identity/],
      ['an ambiguous one', 'X: ambiguous (matches "A" and "B" in /k)', /for several identities/],
      [
        'a chain that cannot be built',
        'Warning: unable to build chain to self-signed root for signer "A"\nX: errSecInternalComponent',
        /intermediate certificate/,
      ],
      ['anything else', 'X: timestamps differ', /ended with 1 and for none of the reasons/],
    ])('%s is a failure with its remedy', async (_name, stderr, sentence) => {
      await nodeOnMac();
      await writeFile(mac.path('said'), `${stderr}\n`);
      await wrap('codesign', `cat '${mac.path('said')}' >&2; exit 1`);
      const { outcome, reason } = await switchNode();
      expect(outcome).toBe('failed');
      expect(reason).toMatch(sentence);
    });

    it('a profile that does not allow the certificate fails before anything is signed', async () => {
      await nodeOnMac({ profile: { certificates: [await mac.issue()] } });
      const { outcome, reason } = await switchNode();
      expect(outcome).toBe('failed');
      expect(reason).toMatch(/does not allow the certificate/);
    });

    needsRcodesign.each([
      ['another team', 's/^TeamIdentifier=.*/TeamIdentifier=AAAAAAAAAA/', /has team AAAAAAAAAA, expected 9QK4T7XW2B/],
      ['another signer', '0,/^Authority=/s/^Authority=.*/Authority=Apple Development: X/', /by another certificate/],
      ['a short chain', '/^Authority=.*(Authority|CA)$/d', /has a chain of 1 certificates/],
      ['no resources', 's/^Sealed Resources.*/Sealed Resources=none/', /seals no resources/],
      ['an ad hoc signature', 's/^Signature size=.*/Signature=adhoc/', /signature is ad-hoc/],
      ['another identifier', 's/^Identifier=.*/Identifier=com.acme.other/', /identifier is com\.acme\.other/],
    ])('a signature of %s is found by reading it back', async (_name, sed, sentence) => {
      await nodeOnMac();
      const real = join(mac.home, 'bin/codesign');
      await wrap('codesign', `case $1 in -dvvv) "${real}.real" "$@" 2>&1 | sed -E '${sed}' >&2; exit 0 ;; esac`);
      const { outcome, reason } = await switchNode();
      expect(outcome).toBe('failed');
      expect(reason).toMatch(sentence);
    });

    /** Of the same name as the Mac's own, which it may go on to by `real`. */
    const instead = async (program: string, line: string): Promise<void> => {
      await wrap(program, line.replaceAll('real', `"${join(mac.home, 'bin', program)}.real"`));
    };

    needsRcodesign.each([
      ['is none', `[ $1 != -dvvv ] || { echo "$2: code object is not signed at all" >&2; exit 1; }`, 'failed', /says that it has signed com\.acme\.courier.*, and that is not signed at all/],
      ['is shown in no words of codesign', `[ $1 != -dvvv ] || { echo hello >&2; exit 0; }`, 'inconclusive', /`codesign -dvvv` does not show what was just signed/],
      ['is never shown', `[ $1 != -dvvv ] || exec sleep 60`, 'inconclusive', /`codesign -dvvv` does not show what was just signed/],
      ['misses a resource', `[ $1 != --verify ] || { rm "$4/PlugIns/CanaryExtension.appex/Info.plist"; real "$@"; exit $?; }`, 'failed', /`codesign --verify` refuses what was just signed \(1\)/],
      ['does not meet its requirement', `[ $1 != --verify ] || { echo "test-requirement: code failed to satisfy specified code requirement(s)" >&2; exit 3; }`, 'failed', /`codesign --verify` refuses what was just signed \(3\)/],
      ['is verified for ever', `[ $1 != --verify ] || exec sleep 60`, 'inconclusive', /`codesign --verify` did not end in time/],
      ['has another profile than it was signed with', `[ $1 != --verify ] || { printf x >>"$4/embedded.mobileprovision"; exit 0; }`, 'failed', /embeds another profile than [0-9a-f-]{36}/],
    ] as const)('a signature that %s is no pass', async (_name, line, expected, sentence) => {
      await nodeOnMac();
      await instead('codesign', line);
      const { outcome, reason } = await switchNode();
      expect(reason).toMatch(sentence);
      expect(outcome).toBe(expected);
    }, 60_000); // prettier-ignore
  });

  describe('what xcodebuild says', () => {
    needsRcodesign('without xcodebuild it is not due; signing counts by itself', async () => {
      await nodeOnMac();
      await rm(join(mac.home, 'bin/xcodebuild'));
      expect((await switchNode()).outcome).toBe('done');
    });

    needsRcodesign.each([
      ['that never ends is inconclusive', 'exec sleep 60', 'inconclusive', /`xcodebuild -exportArchive` for com\.acme\.courier did not end in time/],
      ['that succeeds without an .ipa has failed', 'exit 0', 'failed', /says that it succeeded, and left no readable \.ipa/],
    ] as const)('an export %s', async (_name, line, expected, sentence) => {
      await nodeOnMac();
      await wrap('xcodebuild', line);
      const { outcome, reason } = await switchNode();
      expect(reason).toMatch(sentence);
      expect(outcome).toBe(expected);
    }, 60_000); // prettier-ignore

    needsRcodesign.each([
      ["error: exportArchive: No profiles for 'x' were found", /finds no profile of the UUID/],
      ['error: exportArchive: No signing certificate "A" found: none', /finds no valid certificate/],
      ['error: exportArchive: Provisioning profile "P" expired on Jan 1, 2026.', /has expired, or is of another method/],
      ['error: exportArchive: Provisioning profile "P" doesn\'t include signing certificate "A".', /does not include the certificate/],
      ['error: exportArchive: codesign command failed (x: errSecInternalComponent)', /was refused by `codesign`/],
      ['error: exportArchive: the moon is full', /ended with 70/],
    ])('%s', async (said, sentence) => {
      await nodeOnMac();
      await writeFile(mac.path('said'), `${said}\n`);
      await wrap('xcodebuild', `cat '${mac.path('said')}' >&2; exit 70`);
      const { outcome, reason } = await switchNode();
      expect(outcome).toBe('failed');
      expect(reason).toMatch(sentence);
    });
  });

  it('a simulated Mac that cannot make real signatures says so, and is not due', async () => {
    await installMac(mac.home, { ...mac.options, rcodesign: null });
    await nodeOnMac({ node: { environment: 'simulated' } });
    expect((await switchNode()).outcome).toBe('done');
  });

  it('elsewhere a signature that is none is a failure', async () => {
    await installMac(mac.home, { ...mac.options, rcodesign: null });
    await nodeOnMac();
    expect(await switchNode()).toMatchObject({ outcome: 'failed', reason: expect.stringContaining('the signature is none') });
  });
}
