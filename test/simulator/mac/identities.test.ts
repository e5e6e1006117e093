import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { X509Certificate } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { readPkcs12 } from '../../../src/identity/pkcs12.js';
import { openAppleHierarchy, type DistributionCertificate } from '../../../src/simulator/apple-hierarchy.js';
import { clearFault, setFault } from '../../../src/simulator/mac/faults.js';
import { setClock, setRevoked } from '../../../src/simulator/mac/install.js';
import { legacyPkcs12 } from '../../../src/identity/pkcs12.js';
import { appleProfile, appleProfilePath, request } from '../../profile/support.js';
import { NAME, PASSWORD, quoted, simulatedMac, TEAM, transcript, type Mac } from './support.js';

let mac: Mac;
/** Of one name: the renewed one, and one that has expired. */
let current: DistributionCertificate;
let expired: DistributionCertificate;

beforeAll(async () => {
  mac = await simulatedMac();
  current = await mac.issue();
  expired = await mac.issue({ notBefore: new Date('2020-01-01T00:00:00Z'), notAfter: new Date('2021-01-01T00:00:00Z') });
  mac.interactive('create-keychain -p secret builds.keychain', 'set-keychain-settings builds.keychain');
  mac.security('import', mac.pkcs12(current), '-k', 'login.keychain', '-P', 'p12', '-A');
  mac.security('import', mac.pkcs12(expired), '-k', 'builds.keychain', '-P', 'p12', '-A');
});
afterAll(() => mac.dispose());
afterEach(async () => {
  await setRevoked(mac.home, []);
  await clearFault(mac.home, 'stale-listed');
});

const row = (number: number, identity: DistributionCertificate, verdict = ''): string =>
  `  ${number}) ${identity.sha1.toUpperCase()} "${identity.commonName}"${verdict && ` (${verdict})`}\n`;
const VALID = ['find-identity', '-v', '-p', 'codesigning'] as const;
const EXPIRED = 'CSSMERR_TP_CERT_EXPIRED';
const REVOKED = 'CSSMERR_TP_CERT_REVOKED';

describe('find-identity', () => {
  it('without any prints the recorded line, exit 0', () => {
    mac.security('create-keychain', '-p', 'x', 'empty.keychain');
    expect(mac.security(...VALID, 'empty.keychain')).toEqual({ stdout: transcript('find-identity-zero'), stderr: '', code: 0 });
  });

  it('lists all and then the valid ones, in the order of the search list, as recorded', async () => {
    const names = ['iPhone Developer: Dave Kerr (D2TKYQF77R)', 'iPhone Distribution: Dave Kerr (5TTNE9J58F)'];
    mac.interactive('create-keychain -p x recorded.keychain');
    let recorded = transcript('find-identity-all-policies');
    for (const commonName of names) {
      const identity = await mac.issue({ commonName });
      mac.security('import', mac.pkcs12(identity), '-k', 'recorded.keychain', '-P', 'p12', '-A');
      recorded = recorded.replaceAll(
        new RegExp(`[0-9A-F]{40}(?= "${commonName.replace('(', '\\(').replace(')', '\\)')}")`, 'g'),
        identity.sha1.toUpperCase(),
      );
    }
    expect(mac.security('find-identity', '-p', 'codesigning', 'recorded.keychain').stdout).toBe(recorded);
    mac.security('delete-keychain', 'recorded.keychain');
  });

  it('an expired one is annotated, and not among the valid ones, as recorded', async () => {
    mac.interactive('create-keychain -p x recorded.keychain');
    let recorded = transcript('find-identity-expired');
    for (const [hash = '', commonName, notAfter] of [
      ['8CEF1273B13E1C6E7F6E73EBBEF42278F0D88C97', 'Apple Development: …', '2098-01-01'],
      ['ADC03B244F4C1018384DCAFFC920F26136F6B59B', 'Developer ID Application: …', '2025-01-01'],
      ['3F8BE319780F84EB2E94ABDFA24E8045A0572A7B', 'Developer ID Application: …', '2098-01-02'],
    ] as const) {
      const identity = await mac.issue({ commonName, notAfter: new Date(notAfter) });
      mac.security('import', mac.pkcs12(identity), '-k', 'recorded.keychain', '-P', 'p12', '-A');
      recorded = recorded.replaceAll(hash, identity.sha1.toUpperCase());
    }
    expect(mac.security('find-identity', '-p', 'codesigning', 'recorded.keychain').stdout).toBe(recorded);
    mac.security('delete-keychain', 'recorded.keychain');
  });

  it('goes through the search list, or through the keychains that are named', () => {
    expect(mac.security(...VALID).stdout).toBe(`${row(1, current)}     1 valid identities found\n`);
    expect(mac.security(...VALID, 'builds.keychain').stdout).toBe('     0 valid identities found\n');
    expect(mac.security('find-identity', '-p', 'codesigning', 'builds.keychain', 'login.keychain').stdout).toContain(
      row(1, expired, EXPIRED) + row(2, current),
    );
    expect(mac.security('find-identity', '-p', 'codesigning', 'login.keychain', 'builds.keychain').stdout).toContain(
      row(1, current) + row(2, expired, EXPIRED),
    );
  });

  it('sees identities of a locked keychain too', () => {
    mac.security('lock-keychain', 'login.keychain');
    expect(mac.security(...VALID).stdout).toContain(row(1, current));
    mac.interactive(`unlock-keychain -p ${quoted(PASSWORD)} login.keychain`);
  });

  it('a revoked one is annotated and no longer valid; an old list still counts it', async () => {
    await setRevoked(mac.home, [current.sha1]);
    expect(mac.security('find-identity', '-p', 'codesigning', 'login.keychain').stdout).toContain(row(1, current, REVOKED));
    expect(mac.security(...VALID, 'login.keychain').stdout).toBe('     0 valid identities found\n');
    await setFault(mac.home, { kind: 'stale-listed' });
    const rows = row(1, current, REVOKED) + row(2, expired, EXPIRED);
    expect(mac.security(...VALID, 'login.keychain', 'builds.keychain').stdout).toBe(`${rows}     2 valid identities found\n`);
  });

  it("dates are judged by the node's clock, also where that is wrong", async () => {
    await setClock(mac.home, new Date('2020-06-01T00:00:00Z'));
    const all = mac.security('find-identity', '-p', 'codesigning', 'login.keychain', 'builds.keychain').stdout;
    expect(all).toContain(row(1, current, 'CSSMERR_TP_CERT_NOT_VALID_YET') + row(2, expired));
    await setFault(mac.home, { kind: 'clock-skew', seconds: 366 * 86_400 });
    expect(mac.security('find-identity', '-p', 'codesigning', 'builds.keychain').stdout).toContain(row(1, expired, EXPIRED));
    expect(mac.run('date', ['-u', '+%Y-%m-%d']).stdout).toBe('2021-06-02\n');
    await clearFault(mac.home, 'clock-skew');
    expect(mac.run('date', ['-u', '+%Y-%m-%d']).stdout).toBe('2020-06-01\n');
    await setClock(mac.home, null);
  });

  it('one of an authority that the Mac does not trust is not valid', async () => {
    const stranger = await (
      await openAppleHierarchy(mac.path('stranger'))
    ).issueCertificate({ commonName: NAME, team: TEAM, notAfter: new Date('2099-01-01') });
    mac.interactive('create-keychain -p x strange.keychain');
    mac.security('import', mac.pkcs12(stranger), '-k', 'strange.keychain', '-P', 'p12', '-A');
    const { stdout } = mac.security('find-identity', '-p', 'codesigning', 'strange.keychain');
    expect(stdout).toContain(row(1, stranger, 'CSSMERR_TP_NOT_TRUSTED'));
    expect(stdout).toContain('     0 valid identities found\n');
  });
});

describe('import', () => {
  const importInto = (file: string, ...more: string[]): unknown => mac.security('import', file, '-k', 'login.keychain', ...more);
  const failed = (sentence: string): object => ({ stdout: '', stderr: `security: SecKeychainItemImport: ${sentence}\n`, code: 1 });

  it('says what it imported, keeps the key for its owner alone, and refuses the same a second time', async () => {
    const identity = await mac.issue();
    const file = mac.pkcs12(identity);
    mac.interactive('create-keychain -p x once.keychain');
    expect(mac.security('import', file, '-k', 'once.keychain', '-P', 'p12')).toEqual({
      stdout: '1 identity imported.\n',
      stderr: '',
      code: 0,
    });
    expect(mac.security('import', file, '-k', 'once.keychain', '-P', 'p12')).toEqual(
      failed('The specified item already exists in the keychain.'),
    );
    const id = /^id (.*)$/m.exec(readFileSync(join(mac.home, 'Library/Keychains/once.keychain-db'), 'utf8'))?.[1] ?? '';
    const key = join(mac.home, '.mac/secrets', id, `${identity.sha1.toUpperCase()}.key`);
    expect(statSync(key).mode & 0o777).toBe(0o600);
    mac.security('delete-keychain', 'once.keychain');
    expect(() => statSync(key)).toThrow(/ENOENT/);
  });

  it('refuses a wrong password as recorded', async () => {
    const file = mac.pkcs12(await mac.issue());
    expect(importInto(file, '-P', 'wrong')).toEqual({ stdout: '', stderr: transcript('import-p12-wrong-password'), code: 1 });
  });

  it("refuses OpenSSL's default encryption in the same words, and takes its legacy one", async () => {
    const identity = await mac.issue();
    writeFileSync(mac.path('identity.pem'), identity.certificatePem + identity.privateKeyPem, { mode: 0o600 });
    const openssl = (...how: string[]): void =>
      void execFileSync('openssl', [
        'pkcs12',
        '-export',
        ...how,
        '-in',
        mac.path('identity.pem'),
        '-out',
        mac.path('openssl.p12'),
        '-passout',
        'pass:p12',
      ]);
    openssl('-keypbe', 'AES-256-CBC', '-certpbe', 'AES-256-CBC', '-macalg', 'sha256');
    expect(importInto(mac.path('openssl.p12'), '-P', 'p12')).toEqual({
      stdout: '',
      stderr: transcript('import-p12-wrong-password'),
      code: 1,
    });
    openssl('-keypbe', 'PBE-SHA1-3DES', '-certpbe', 'PBE-SHA1-3DES', '-macalg', 'sha1');
    expect(importInto(mac.path('openssl.p12'), '-P', 'p12', '-A')).toMatchObject({ stdout: '1 identity imported.\n', code: 0 });
  });

  it('what this project makes as PKCS#12 is legacy encryption that OpenSSL opens', async () => {
    const identity = await mac.issue();
    writeFileSync(mac.path('ours.p12'), legacyPkcs12(identity, 'p12'));
    const opened = execFileSync('openssl', ['pkcs12', '-in', mac.path('ours.p12'), '-passin', 'pass:p12', '-nokeys', '-legacy'], {
      encoding: 'utf8',
    });
    expect(new X509Certificate(opened.slice(opened.indexOf('-----BEGIN'))).fingerprint.replaceAll(':', '').toLowerCase()).toBe(
      identity.sha1,
    );
  });

  it('takes a key and a certificate of PEM, and no other format', async () => {
    const identity = await mac.issue();
    mac.interactive('create-keychain -p x parts.keychain');
    writeFileSync(mac.path('key.pem'), identity.privateKeyPem, { mode: 0o600 });
    writeFileSync(mac.path('certificate.cer'), identity.der);
    expect(mac.security('import', mac.path('key.pem'), '-k', 'parts.keychain').stdout).toBe('1 key imported.\n');
    expect(mac.security('import', mac.path('certificate.cer'), '-k', 'parts.keychain').stdout).toBe('1 certificate imported.\n');
    writeFileSync(mac.path('page.p12'), '<html>Sign in</html>');
    expect(importInto(mac.path('page.p12'), '-P', 'p12')).toEqual(failed('Unknown format in import.'));
  });

  it('asks by a window without a password, and into a locked keychain: no user interaction', async () => {
    const file = mac.pkcs12(await mac.issue());
    expect(importInto(file)).toEqual(failed('User interaction is not allowed.'));
    mac.security('lock-keychain', 'login.keychain');
    expect(importInto(file, '-P', 'p12')).toEqual(failed('User interaction is not allowed.'));
    mac.interactive(`unlock-keychain -p ${quoted(PASSWORD)} login.keychain`);
    expect(mac.security('import', file, '-k', '/nowhere/a.keychain', '-P', 'p12')).toEqual(
      failed('The specified keychain could not be found.'),
    );
    expect(importInto('/nowhere/file.p12', '-P', 'p12')).toMatchObject({
      stderr: 'security: Error reading infile /nowhere/file.p12: No such file or directory\n',
      code: 1,
    });
  });
});

describe('set-key-partition-list', () => {
  it('dumps the keys that it changed, with their public attributes', () => {
    const ended = mac.security('set-key-partition-list', '-S', 'apple-tool:,apple:,codesign:', '-s', '-k', 'secret', 'builds.keychain');
    const path = join(mac.home, 'Library/Keychains/builds.keychain-db');
    const creator =
      '0x7B38373139316361322D306663392D313164342D383439612D3030303530326235323132327D00  "{87191ca2-0fc9-11d4-849a-000502b52122}\\000"';
    expect(ended).toMatchObject({ stderr: '', code: 0 });
    expect(ended.stdout.split('\n').slice(0, 4)).toEqual([`keychain: "${path}"`, 'version: 512', 'class: 0x00000010 ', 'attributes:']);
    expect(ended.stdout).toContain(
      `    0x00000008 <blob>=${creator}\n    0x00000009 <uint32>=0x0000002A  "\\000\\000\\000*"\n    0x0000000A <uint32>=0x00000800 \n`,
    );
    expect(ended.stdout.match(/^ {4}0x/gm)).toHaveLength(27);
    expect(readFileSync(path, 'utf8')).toContain('apple-tool%3A,apple%3A,codesign%3A');
  });

  it('refuses a wrong password, and says so where no key matches', () => {
    const set = (password: string, ...more: string[]): unknown =>
      mac.security('set-key-partition-list', '-S', 'apple:', '-s', '-k', password, ...more, 'builds.keychain');
    const sentence = (call: string, text: string): object => ({ stdout: '', stderr: `security: ${call}: ${text}\n`, code: 1 });
    expect(set('wrong')).toEqual(sentence('SecKeychainUnlock', 'The user name or passphrase you entered is not correct.'));
    expect(set('secret', '-l', 'Nobody')).toEqual(
      sentence('SecItemCopyMatching', 'The specified item could not be found in the keychain.'),
    );
  });
});

describe('export', () => {
  const exported = (...more: string[]): unknown => mac.security('export', '-k', 'out.keychain', ...more);
  const refused = (sentence: string): object => ({ stdout: '', stderr: `security: SecKeychainItemExport: ${sentence}\n`, code: 1 });

  it('writes an identity that can be imported again, where security may use the key', async () => {
    const identity = await mac.issue();
    const file = mac.path('exported.p12');
    const asPkcs12 = ['-t', 'identities', '-f', 'pkcs12', '-o', file, '-P', 'new'] as const;
    mac.interactive('create-keychain -p x out.keychain', `import ${mac.pkcs12(identity)} -k out.keychain -P p12 -T /usr/bin/codesign`);
    expect(exported(...asPkcs12)).toEqual(refused('User interaction is not allowed.'));
    expect(exported('-t', 'certs')).toMatchObject({ stdout: new X509Certificate(identity.der).toString(), code: 0 });
    mac.interactive(
      'delete-keychain out.keychain',
      'create-keychain -p x out.keychain',
      `import ${mac.pkcs12(identity)} -k out.keychain -P p12 -A`,
    );
    expect(exported(...asPkcs12)).toEqual({ stdout: '', stderr: `...${statSync(file).size} bytes written to ${file}\n`, code: 0 });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    // Without a file, as PEM (`-p`), on stdout.
    const pem = mac.security('export', '-k', 'out.keychain', '-t', 'identities', '-f', 'pkcs12', '-p', '-P', 'new');
    expect(pem).toMatchObject({ stderr: '', code: 0 });
    const [, base64 = ''] = /^-----BEGIN PKCS12-----\n([A-Za-z0-9+/=\n]+)-----END PKCS12-----\n$/.exec(pem.stdout) ?? [];
    expect(readPkcs12(Buffer.from(base64, 'base64'), 'new', 'out').facts.sha1).toBe(identity.sha1);
    mac.security('lock-keychain', 'out.keychain');
    expect(exported(...asPkcs12)).toEqual(refused('User interaction is not allowed.'));
    mac.interactive('delete-keychain out.keychain', 'create-keychain -p x out.keychain');
    expect(exported(...asPkcs12)).toEqual(refused('The specified item could not be found in the keychain.'));
    expect(mac.security('import', file, '-k', 'out.keychain', '-P', 'new').stdout).toBe('1 identity imported.\n');
    expect(mac.security('find-identity', '-p', 'codesigning', 'out.keychain').stdout).toContain(row(1, identity));
    mac.security('delete-keychain', 'out.keychain');
  });
});

describe('find-certificate', () => {
  it('prints digests and PEM of the first one, or of all, whose name has the text', () => {
    const found = mac.security('find-certificate', '-c', 'größe', '-Z', '-p', 'login.keychain').stdout;
    expect(
      found.startsWith(
        `SHA-256 hash: ${new X509Certificate(current.der).fingerprint256.replaceAll(':', '')}\nSHA-1 hash: ${current.sha1.toUpperCase()}\n`,
      ),
    ).toBe(true);
    expect(new X509Certificate(found.slice(found.indexOf('-----BEGIN'))).raw.equals(current.der)).toBe(true);
    expect(mac.security('find-certificate', '-a', '-Z', 'login.keychain', 'builds.keychain').stdout).toContain(expired.sha1.toUpperCase());
  });

  it('says that there is none with exit code 44', () => {
    const sentence = 'security: SecKeychainSearchCopyNext: The specified item could not be found in the keychain.\n';
    expect(mac.security('find-certificate', '-c', 'nobody')).toEqual({ stdout: '', stderr: sentence, code: 44 });
    expect(mac.interactive('find-certificate -c nobody')).toEqual({
      stdout: '',
      stderr: `${sentence}find-certificate: returned -25300\n`,
      code: 44,
    });
  });
});

describe('cms -D', () => {
  it('prints the plist of a profile that Apple signed, from a file and from stdin', () => {
    const shown = mac.security('cms', '-D', '-i', appleProfilePath('a0b45501'));
    expect(shown).toMatchObject({ stderr: '', code: 0 });
    expect(shown.stdout).toMatch(/^<\?xml version="1\.0"[\s\S]*a0b45501-0c52-41cb-b52e-124edf937135[\s\S]*<\/plist>\s*$/);
  });

  it('decodes what was tampered with as well', () => {
    const bytes = Buffer.from(mac.apple.makeProfile(request({ certificates: [current] })));
    bytes.write('X', bytes.indexOf('Courier App Store'));
    writeFileSync(mac.path('tampered.mobileprovision'), bytes);
    expect(mac.security('cms', '-D', '-i', mac.path('tampered.mobileprovision'))).toMatchObject({
      stdout: expect.stringContaining('Xourier App Store') as string,
      code: 0,
    });
  });

  it.each([
    ['an empty file', ''],
    ['a page', '<html></html>'],
    ['a profile cut short', Buffer.from(appleProfile('a0b45501')).subarray(0, 4000)],
  ])('says of %s what was recorded', (_, content) => {
    writeFileSync(mac.path('damaged'), content);
    expect(mac.security('cms', '-D', '-i', mac.path('damaged'))).toEqual({ stdout: '', stderr: transcript('cms-decode-failure'), code: 1 });
    rmSync(mac.path('damaged'));
  });
});
