import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { legacyPkcs12, readPkcs12 } from '../../src/identity/pkcs12.js';

const has = (...args: readonly string[]): boolean => spawnSync('openssl', args).status === 0;
const isThere = has('version');
const LEGACY = ['-legacy'];
const TRIPLE_DES = ['-keypbe', 'PBE-SHA1-3DES', '-certpbe', 'PBE-SHA1-3DES', '-macalg', 'sha1'];
const hasLegacy = isThere && has('list', '-provider', 'legacy', '-providers');

let folder: string;
const at = (name: string): string => join(folder, name);
function openssl(...args: readonly string[]): void {
  const { status, stderr } = spawnSync('openssl', args, { cwd: folder, encoding: 'utf8', env: { ...process.env, LC_ALL: 'C.UTF-8' } });
  if (status !== 0) throw new Error(stderr);
}
function certificate(name: string, key: readonly string[]): void {
  openssl('req', '-x509', '-nodes', ...key, '-keyout', `${name}.key`, '-out', `${name}.pem`, '-days', '30', '-subj', '/CN=Apple Distribution: Acme GmbH/OU=9QK4T7XW2B', '-addext', 'extendedKeyUsage=codeSigning'); // prettier-ignore
}
/** What `openssl pkcs12 -export` makes with these options. */
function exported(password: string, options: readonly string[] = [], of = 'rsa'): Uint8Array {
  openssl('pkcs12', '-export', '-inkey', `${of}.key`, '-in', `${of}.pem`, '-passout', `pass:${password}`, '-out', 'out.p12', ...options);
  return readFileSync(at('out.p12'));
}
const read = (bytes: Uint8Array, password: string): string => readPkcs12(bytes, password, 'out.p12').facts.commonName;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'reseal-p12-'));
  if (!isThere) return;
  certificate('rsa', ['-newkey', 'rsa:2048']);
  certificate('ec', ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1']);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.skipIf(!isThere)('PKCS#12 files that the real openssl makes (needs openssl)', () => {
  const PASSWORDS = ['plain', 'Größe €10', 'ключ', 'emoji 🔑', ''];
  const FORMS: readonly (readonly [string, readonly string[]])[] = [
    ['PBES2 with AES-256-CBC, PBKDF2 and HMAC-SHA-256, as OpenSSL 3 makes by default', []],
    ['the same with a MAC by SHA-512', ['-macalg', 'sha512']],
    ['PBES2 with AES-128-CBC', ['-keypbe', 'AES-128-CBC', '-certpbe', 'AES-128-CBC']],
    ['triple DES, as older keychains export', TRIPLE_DES],
    ['the key by PBES2 and the certificate by triple DES', ['-certpbe', 'PBE-SHA1-3DES']],
    ['PBES2 without a MAC', ['-nomac']],
    ['a certificate that is not encrypted', ['-certpbe', 'NONE']],
  ];
  it.each(FORMS.flatMap(([form, options]) => PASSWORDS.map((password) => ({ form, password, options }))))(
    '$form, password "$password": read, or the sentence says why not',
    ({ form, password, options }) => {
      const bytes = exported(password, options);
      const isMixed = form.includes('by triple DES') && /[^\x20-\x7e]/.test(password);
      if (isMixed) {
        expect(() => read(bytes, password)).toThrow(
          /encrypted in a way that is not read here.*export an RSA identity again, with a password of ASCII/,
        );
        return;
      }
      expect(read(bytes, password)).toBe('Apple Distribution: Acme GmbH');
    },
  );

  it.skipIf(!hasLegacy).each(PASSWORDS)(
    'what -legacy makes (RC2-40 and triple DES), password "%s" (needs the legacy provider)',
    (password) => {
      expect(read(exported(password, LEGACY), password)).toBe('Apple Distribution: Acme GmbH');
    },
  );

  it.each([[], TRIPLE_DES])('a wrong password is told as one, whatever characters it has: %j', (...options) => {
    const bytes = exported('Größe', options);
    for (const wrong of ['Grösse', 'groesse', 'Größe ', ''])
      expect(() => read(bytes, wrong)).toThrow('out.p12 cannot be used: its password is another one.');
  });

  it('an EC key is told as what is not read, and no password is in the sentence', () => {
    const told = (() => {
      try {
        return read(exported('Größe', [], 'ec'), 'Größe');
      } catch (error) {
        return error instanceof Error ? error.message : '';
      }
    })();
    expect(told).toMatch(/another key than one of RSA|no private key/);
    expect(told).not.toContain('Größe');
  });

  it('what is read is made anew so that every Mac imports it', () => {
    const identity = readPkcs12(exported('Größe €10'), 'Größe €10', 'out.p12');
    expect(readPkcs12(legacyPkcs12(identity, 'ascii'), 'ascii', 'again').facts).toEqual(identity.facts);
  });
});

it('what is no PKCS#12 is told as that', () => {
  for (const bytes of [Buffer.from('<html>'), Buffer.alloc(0), Buffer.from([0x30, 0x00]), Buffer.from([0x30, 0x03, 0x02, 0x01, 0x03])])
    expect(() => read(bytes, 'x')).toThrow('out.p12 cannot be used: it is no PKCS#12.');
});
