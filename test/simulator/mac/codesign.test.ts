import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'plist';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openAppleHierarchy, type DistributionCertificate } from '../../../src/simulator/apple-hierarchy.js';
import { makeApp } from '../../../src/simulator/mac/app-bundle.js';
import { clearFault, setFault, type Fault } from '../../../src/simulator/mac/faults.js';
import { installMac, setClock } from '../../../src/simulator/mac/install.js';
import { findRcodesign } from '../../../src/mac/rcodesign.js';
import { readMachO } from '../../../src/mac/code-signature.js';
import { NAME, PASSWORD, quoted, simulatedMac, TEAM, transcript, type Ended, type Mac } from './support.js';

const needsRcodesign = it.skipIf(findRcodesign() === null);

let mac: Mac;
let identity: DistributionCertificate;
/** Unsigned, with an extension; each test gets a copy. */
let compiled: string;
let app: string;

beforeAll(async () => {
  mac = await simulatedMac();
  identity = await mac.issue();
  mac.importReady(identity);
  compiled = await makeApp(mac.path('compiled'), {
    name: 'Courier',
    bundleId: 'com.acme.courier',
    extensions: [{ name: 'Share', bundleId: 'com.acme.courier.share' }],
  });
});
afterAll(() => mac.dispose());
beforeEach(() => {
  app = mac.path('Courier.app');
  rmSync(app, { recursive: true, force: true });
  cpSync(compiled, app, { recursive: true });
});

const codesign = (...args: readonly string[]): Ended => mac.run('codesign', args, { env: { TZ: 'UTC' } });
const sign = (over: { readonly named?: string; readonly env?: Record<string, string> } = {}): Ended =>
  mac.run('codesign', ['--force', '--deep', '--sign', over.named ?? identity.sha1, app], { env: over.env ?? {} });
const refused = (...lines: readonly string[]): Ended => ({ stdout: '', stderr: lines.map((line) => `${line}\n`).join(''), code: 1 });
const isSigned = (path: string): boolean => readMachO(readFileSync(path))?.signature !== null;

describe('signing', () => {
  needsRcodesign('signs app and extension with the identity, silently', () => {
    expect(sign()).toEqual({ stdout: '', stderr: '', code: 0 });
    expect(isSigned(join(app, 'Courier'))).toBe(true);
    expect(isSigned(join(app, 'PlugIns/Share.appex/Share'))).toBe(true);
  });

  needsRcodesign('the signature verifies by OpenSSL up to the root of the simulated Apple, and seals digests that are true', () => {
    sign();
    for (const [executable, resources] of [
      ['Courier', '_CodeSignature/CodeResources'],
      ['PlugIns/Share.appex/Share', 'PlugIns/Share.appex/_CodeSignature/CodeResources'],
    ] as const) {
      const signature = readMachO(readFileSync(join(app, executable)))?.signature;
      writeFileSync(mac.path('cms'), signature?.cms ?? '');
      writeFileSync(mac.path('content'), signature?.codeDirectory.bytes ?? '');
      writeFileSync(mac.path('root.pem'), mac.apple.rootPem);
      execFileSync(
        'openssl',
        [
          'cms',
          '-verify',
          '-binary',
          '-inform',
          'DER',
          '-in',
          mac.path('cms'),
          '-content',
          mac.path('content'),
          '-CAfile',
          mac.path('root.pem'),
          '-purpose',
          'any',
          '-out',
          mac.path('verified'),
        ],
        { stdio: 'pipe' },
      );
      expect(readFileSync(mac.path('verified')).equals(readFileSync(mac.path('content')))).toBe(true);
      const sha256 = createHash('sha256')
        .update(readFileSync(join(app, resources)))
        .digest('hex');
      expect(signature?.codeDirectory.special.get(3)).toBe(sha256);
    }
    const { files2 } = parse(readFileSync(join(app, '_CodeSignature/CodeResources'), 'utf8')) as {
      files2: Record<string, { hash2: Uint8Array } | undefined>;
    };
    const strings = readFileSync(join(app, 'en.lproj/Localizable.strings'));
    const sealed = Buffer.from(files2['en.lproj/Localizable.strings']?.hash2 ?? []).toString('hex');
    expect(sealed).toBe(createHash('sha256').update(strings).digest('hex'));
  });

  needsRcodesign('replaces a signature only with --force, and says so as recorded', () => {
    sign();
    expect(codesign('-s', identity.sha1, app)).toEqual(refused(`${app}: is already signed`));
    mac.security('lock-keychain', 'login.keychain');
    const again = sign();
    mac.interactive(`unlock-keychain -p ${quoted(PASSWORD)} login.keychain`);
    expect(again).toEqual({
      stdout: '',
      stderr: transcript('codesign-internal-component').replaceAll('.build/CmdKeyHappy.app', app),
      code: 1,
    });
  });

  needsRcodesign('without --deep, what is inside has to be signed first', () => {
    const extension = join(app, 'PlugIns/Share.appex');
    expect(codesign('-s', identity.sha1, app)).toEqual(
      refused(`${app}: code object is not signed at all`, `In subcomponent: ${extension}`),
    );
    expect(codesign('-s', identity.sha1, extension).code).toBe(0);
    expect(codesign('-s', identity.sha1, app)).toEqual({ stdout: '', stderr: '', code: 0 });
    expect(codesign('--verify', app).code).toBe(0);
  });

  needsRcodesign('signs by a part of the name, and with entitlements that it then shows', () => {
    writeFileSync(mac.path('entitlements.plist'), '<plist version="1.0"><dict><key>get-task-allow</key><false/></dict></plist>');
    expect(codesign('-f', '--deep', '-s', 'Apple Distribution', '--entitlements', mac.path('entitlements.plist'), app).code).toBe(0);
    expect(codesign('-d', '--entitlements', ':-', app).stdout).toContain('<key>get-task-allow</key>');
  });

  needsRcodesign('signing is use of a keychain: its timeout begins anew', async () => {
    await setClock(mac.home, new Date('2026-03-01T12:00:00Z'));
    const own = await mac.issue();
    mac.interactive(
      'create-keychain -p x timed.keychain',
      'set-keychain-settings -t 60 timed.keychain',
      `import ${mac.pkcs12(own)} -k timed.keychain -P p12 -A`,
      'set-key-partition-list -S apple: -k x timed.keychain',
    );
    const at = async (time: string): Promise<number | null> => {
      await setClock(mac.home, new Date(`2026-03-01T${time}Z`));
      return sign({ named: own.sha1 }).code;
    };
    expect([await at('12:00:50'), await at('12:01:40'), await at('12:02:40')]).toEqual([0, 0, 1]);
    await setClock(mac.home, null);
    mac.security('delete-keychain', 'timed.keychain');
  });
});

describe('what cannot be signed', () => {
  const set = new Set<Fault['kind']>();
  const fault = async (kind: 'locked-for-good' | 'no-partition-list' | 'wrong-context'): Promise<void> => {
    set.add(kind);
    await setFault(mac.home, { kind });
  };
  afterEach(async () => {
    for (const kind of set) await clearFault(mac.home, kind);
    set.clear();
  });
  const internal = (): Ended => refused(`${app}: errSecInternalComponent`);

  it('nothing with an identity that is not there', () => {
    expect(sign({ named: 'Nobody' })).toEqual(refused('Nobody: no identity found'));
    expect(sign({ named: 'A'.repeat(40) })).toEqual(refused(`${'A'.repeat(40)}: no identity found`));
  });

  it('nothing with an identity whose keychain is not in the search list, unless it is named', async () => {
    const own = await mac.issue();
    mac.interactive(
      'create-keychain -p x aside.keychain',
      `import ${mac.pkcs12(own)} -k aside.keychain -P p12 -A`,
      'set-key-partition-list -S apple: -k x aside.keychain',
      'list-keychains -d user -s login.keychain',
    );
    expect(sign({ named: own.sha1 })).toEqual(refused(`${own.sha1}: no identity found`));
    expect(codesign('-f', '--deep', '-s', own.sha1, '--keychain', 'aside.keychain', app).code).toBe(0);
    mac.security('list-keychains', '-d', 'user', '-s', 'login.keychain', 'aside.keychain');
    expect(sign({ named: own.sha1 }).code).toBe(0);
    mac.security('delete-keychain', 'aside.keychain');
  });

  it('nothing with a locked keychain', () => {
    mac.security('lock-keychain', 'login.keychain');
    expect(sign()).toEqual(internal());
    mac.interactive(`unlock-keychain -p ${quoted(PASSWORD)} login.keychain`);
    expect(isSigned(join(app, 'Courier'))).toBe(false);
  });

  it('nothing in the wrong login context, by environment or by fault', async () => {
    expect(sign({ env: { RESEAL_SIM_CONTEXT: 'ssh' } })).toEqual(internal());
    await fault('wrong-context');
    expect(sign()).toEqual(internal());
  });

  it('nothing in a Mac whose programs run outside the login session, but for one that is in it', async () => {
    await installMac(mac.home, { ...mac.options, context: 'background' });
    expect(sign()).toEqual(internal());
    expect(sign({ env: { RESEAL_SIM_CONTEXT: 'gui' } }).code).toBe(0);
    await installMac(mac.home, mac.options);
  });

  it('nothing by faults of keychain and partition list', async () => {
    await fault('locked-for-good');
    expect(sign()).toEqual(internal());
    await clearFault(mac.home, 'locked-for-good');
    await fault('no-partition-list');
    expect(sign()).toEqual(internal());
  });

  it('nothing with a key that codesign may not use: no partition list, or imported without -T and -A', async () => {
    const own = await mac.issue();
    const file = mac.pkcs12(own);
    mac.interactive('create-keychain -p x strict.keychain', `import ${file} -k strict.keychain -P p12 -T /usr/bin/codesign`);
    expect(sign({ named: own.sha1 })).toEqual(internal());
    mac.security('set-key-partition-list', '-S', 'apple-tool:,apple:,codesign:', '-s', '-k', 'x', 'strict.keychain');
    expect(sign({ named: own.sha1 }).code).toBe(0);
    mac.interactive('delete-keychain strict.keychain', 'create-keychain -p x strict.keychain', `import ${file} -k strict.keychain -P p12`);
    mac.security('set-key-partition-list', '-S', 'apple-tool:,apple:,codesign:', '-s', '-k', 'x', 'strict.keychain');
    rmSync(app, { recursive: true });
    cpSync(compiled, app, { recursive: true });
    expect(sign({ named: own.sha1 })).toEqual(internal());
    mac.security('delete-keychain', 'strict.keychain');
  });

  it('nothing by a name that a renewed and an expired certificate share', async () => {
    const expired = await mac.issue({ notBefore: new Date('2020-01-01'), notAfter: new Date('2021-01-01') });
    mac.interactive('create-keychain -p x old.keychain', `import ${mac.pkcs12(expired)} -k old.keychain -P p12 -A`);
    const keychain = join(mac.home, 'Library/Keychains/old.keychain-db');
    expect(sign({ named: NAME })).toEqual(refused(`${NAME}: ambiguous (matches "${NAME}" and "${NAME}" in ${keychain})`));
    expect(codesign('-f', '--deep', '-s', NAME, '--keychain', 'login.keychain', app).code).toBe(0);
    mac.security('delete-keychain', 'old.keychain');
  });

  it('nothing without a way to a trusted root', async () => {
    const apple = await openAppleHierarchy(mac.path('stranger'));
    const stranger = await apple.issueCertificate({
      commonName: 'Apple Distribution: Stranger',
      team: TEAM,
      notAfter: new Date('2099-01-01'),
    });
    mac.interactive('create-keychain -p x strange.keychain', `import ${mac.pkcs12(stranger)} -k strange.keychain -P p12 -A`);
    const warning = 'Warning: unable to build chain to self-signed root for signer "Apple Distribution: Stranger"';
    expect(sign({ named: stranger.sha1 })).toEqual(refused(warning, `${app}: errSecInternalComponent`));
    mac.security('delete-keychain', 'strange.keychain');
  });

  it('nothing that is not there, and used wrongly it exits 2', () => {
    expect(codesign('-s', identity.sha1, '/nowhere/A.app')).toEqual(refused('/nowhere/A.app: No such file or directory'));
    expect(codesign('--sign').code).toBe(2);
    expect(codesign('--verify').code).toBe(2);
  });
});

describe('-d', () => {
  it('of unsigned code says so, exit 1', () => {
    expect(codesign('-d', app)).toEqual(refused(`${app}: code object is not signed at all`));
  });

  needsRcodesign('prints on stderr what the signature says, in the recorded lines', async () => {
    await setClock(mac.home, new Date('2026-03-01T12:00:00Z'));
    sign();
    await setClock(mac.home, null);
    const { stdout, stderr, code } = codesign('-dvv', app);
    expect({ stdout, code }).toEqual({ stdout: '', code: 0 });
    const directory = readMachO(readFileSync(join(app, 'Courier')))?.signature;
    expect(stderr.split('\n')).toEqual([
      `Executable=${app}/Courier`,
      'Identifier=com.acme.courier',
      'Format=app bundle with Mach-O thin (arm64)',
      `CodeDirectory v=20400 size=${directory?.codeDirectory.bytes.length ?? 0} flags=0x0(none) hashes=5+3 location=embedded`,
      `Signature size=${directory?.cms?.length ?? 0}`,
      `Authority=${NAME}`,
      'Authority=Apple Worldwide Developer Relations Certification Authority',
      'Authority=Simulated Apple Root CA',
      'Signed Time=Mar 1, 2026 at 12:00:00',
      'Info.plist entries=10',
      `TeamIdentifier=${TEAM}`,
      'Sealed Resources version=2 rules=10 files=6',
      `Internal requirements count=1 size=${directory?.blobs.get(2)?.length ?? 0}`,
      '',
    ]);
    await setFault(mac.home, { kind: 'other-locale' });
    expect(codesign('-dvv', app).stderr).toContain('Signed Time=01.03.2026, 12:00:00\n');
    await clearFault(mac.home, 'other-locale');
  });

  const fields = (text: string): readonly string[] =>
    text.split('\n').map((line) => line.replace(/=.*$/, '').replace(/ (v|version|count)$/, ''));

  needsRcodesign('has the fields of the transcripts in their order', () => {
    sign();
    expect(fields(codesign('-dvv', app).stderr)).toEqual(fields(transcript('codesign-dvv-ios-app')));
    // The recorded one has a trusted timestamp and the hardened runtime of a Mac app.
    const recorded = fields(transcript('codesign-dvvvv-app'))
      .filter((field) => field !== 'Runtime Version')
      .map((field) => (field === 'Timestamp' ? 'Signed Time' : field));
    const four = codesign('-dv', '--verbose=4', app).stderr;
    expect(fields(four)).toEqual(recorded);
    const bytes = readMachO(readFileSync(join(app, 'Courier')))?.signature?.codeDirectory.bytes ?? '';
    expect(four).toContain(`\nCDHash=${createHash('sha256').update(bytes).digest('hex').slice(0, 40)}\n`);
    expect(codesign('-dvvv', app).stderr).toContain('\nHash type=sha256 size=32\n');
    expect(codesign('-d', app).stderr).toBe(`Executable=${app}/Courier\n`);
  });

  needsRcodesign('an ad hoc signature has no authority and no team', () => {
    expect(codesign('-f', '--deep', '-s', '-', app).code).toBe(0);
    const { stderr } = codesign('-dvvv', app);
    expect(stderr).toContain('\nSignature=adhoc\n');
    expect(stderr).toContain('\nTeamIdentifier=not set\n');
    expect(stderr).toContain('flags=0x2(adhoc)');
    expect(stderr).not.toContain('Authority=');
  });
});

describe('--verify', () => {
  it('of unsigned code says so, exit 1', () => {
    expect(codesign('--verify', app)).toEqual(refused(`${app}: code object is not signed at all`));
  });

  needsRcodesign('says nothing of a valid signature, or with -v two sentences', () => {
    sign();
    expect(codesign('--verify', app)).toEqual({ stdout: '', stderr: '', code: 0 });
    const sentences = `${app}: valid on disk\n${app}: satisfies its Designated Requirement\n`;
    expect(codesign('--verify', '-v', app)).toEqual({ stdout: '', stderr: sentences, code: 0 });
    expect(codesign('-vv', app)).toEqual({ stdout: '', stderr: sentences, code: 0 });
  });

  needsRcodesign.each([
    ['changed', (path: string) => writeFileSync(path, 'changed'), 'file modified'],
    ['missing', (path: string) => rmSync(path), 'file missing'],
  ] as const)('a resource that is %s', (_, harm, what) => {
    sign();
    const path = join(app, 'PlugIns/Share.appex/PkgInfo');
    harm(path);
    expect(codesign('--verify', app)).toEqual(refused(`${app}: a sealed resource is missing or invalid`));
    expect(codesign('--verify', '-vv', app).stderr).toContain(`${what}: ${path}\n`);
  });

  needsRcodesign('a resource that was added, and a list of resources that was changed', () => {
    sign();
    writeFileSync(join(app, 'added.txt'), 'x');
    expect(codesign('--verify', app)).toEqual(refused(`${app}: a sealed resource is missing or invalid`));
    rmSync(join(app, 'added.txt'));
    expect(codesign('--verify', app).code).toBe(0);
    const list = join(app, '_CodeSignature/CodeResources');
    writeFileSync(list, readFileSync(list, 'utf8').replace('<key>rules2</key>', '<key>rules2</key> '));
    expect(codesign('--verify', app)).toEqual(refused(`${app}: a sealed resource is missing or invalid`));
  });

  needsRcodesign('code, or a signature over it, that was changed', () => {
    sign();
    const executable = join(app, 'Courier');
    const signed = readFileSync(executable);
    const harmed = (at: number): Ended => {
      const bytes = Buffer.from(signed);
      bytes[at] = (bytes[at] ?? 0) ^ 0xff;
      writeFileSync(executable, bytes);
      return codesign('--verify', app);
    };
    const sentence = refused(`${app}: invalid signature (code or signature have been modified)`);
    const cms = readMachO(signed)?.signature?.cms ?? Buffer.alloc(1);
    expect(harmed(0x3f00)).toEqual(sentence);
    expect(harmed(signed.indexOf(Buffer.from(cms)) + cms.length - 1)).toEqual(sentence);
    writeFileSync(executable, signed);
    expect(codesign('--verify', app).code).toBe(0);
  });
});

describe('where rcodesign is missing', () => {
  it('a stand-in is left that nothing takes for a signature', async () => {
    await installMac(mac.home, { ...mac.options, rcodesign: null });
    expect(sign()).toEqual({
      stdout: '',
      stderr: `${app}: warning: not signed: rcodesign is not there, so this is a stand-in without a signature\n`,
      code: 0,
    });
    const { stderr, code } = codesign('-dvvv', app);
    expect(stderr).toContain(
      `\nSignature=none (not signed: rcodesign is not there; the identity ${identity.sha1.toUpperCase()} could have been used)\n`,
    );
    expect({ code, hasAuthority: stderr.includes('Authority=') }).toEqual({ code: 0, hasAuthority: false });
    expect(codesign('--verify', app)).toEqual(refused(`${app}: code object is not signed at all`));
    mac.security('lock-keychain', 'login.keychain');
    expect(sign()).toEqual(refused(`${app}: errSecInternalComponent`));
    mac.interactive(`unlock-keychain -p ${quoted(PASSWORD)} login.keychain`);
    expect(existsSync(join(app, '_CodeSignature/CodeResources'))).toBe(false);
    await installMac(mac.home, mac.options);
  });

  needsRcodesign('a signature takes its place, for every bundle in which it was left', async () => {
    await installMac(mac.home, { ...mac.options, rcodesign: null });
    sign();
    await installMac(mac.home, mac.options);
    expect(codesign('-s', identity.sha1, app).stderr).toContain('code object is not signed at all');
    expect(sign()).toEqual({ stdout: '', stderr: '', code: 0 });
    expect(codesign('--verify', app)).toEqual({ stdout: '', stderr: '', code: 0 });
    expect(existsSync(join(app, '_CodeSignature/unsigned-stand-in'))).toBe(false);
  });
});
