import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import forge from 'node-forge';
import { MOST_ITERATIONS } from '../../src/identity/derivations.js';
import { legacyPkcs12, readPkcs12 } from '../../src/identity/pkcs12.js';
import { own } from '../fuzz/corpus.js';

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

/** What is made to keep a reader busy. Each would take hours, or end the process, if it were read. */
describe('a hostile PKCS#12 is refused before a key is derived, and no password is in the sentence', () => {
  const { create, Class, Type, fromDer, toDer, integerToDer, oidToDer } = forge.asn1;
  const integer = (value: number): forge.asn1.Asn1 => create(Class.UNIVERSAL, Type.INTEGER, false, integerToDer(value).getBytes());
  const octets = (value: string): forge.asn1.Asn1 => create(Class.UNIVERSAL, Type.OCTETSTRING, false, value);
  const sequence = (...value: forge.asn1.Asn1[]): forge.asn1.Asn1 => create(Class.UNIVERSAL, Type.SEQUENCE, true, value);
  const oid = (value: string): forge.asn1.Asn1 => create(Class.UNIVERSAL, Type.OID, false, oidToDer(value).getBytes());
  const explicit = (...value: forge.asn1.Asn1[]): forge.asn1.Asn1 => create(Class.CONTEXT_SPECIFIC, Type.NONE, true, value);
  const text = (node: forge.asn1.Asn1): string => toDer(node).getBytes();
  const data = (content: string): forge.asn1.Asn1 => sequence(oid('1.2.840.113549.1.7.1'), explicit(octets(content)));
  const mac = (iterations: number, salt = 'saltsalt', digest = 'd'.repeat(20)): forge.asn1.Asn1 =>
    sequence(sequence(sequence(oid('1.3.14.3.2.26')), octets(digest)), octets(salt), integer(iterations));
  const pfx = (parts: readonly forge.asn1.Asn1[], ...more: forge.asn1.Asn1[]): Uint8Array =>
    Buffer.from(text(sequence(integer(3), data(text(sequence(...parts))), ...more)), 'binary');
  const byPkcs12 = (iterations: number): forge.asn1.Asn1 =>
    sequence(oid('1.2.840.113549.1.12.1.3'), sequence(octets('saltsalt'), integer(iterations)));
  const byPbkdf2 = (iterations: number): forge.asn1.Asn1 =>
    sequence(oid('1.2.840.113549.1.5.13'), sequence(sequence(oid('1.2.840.113549.1.5.12'), sequence(octets('saltsalt'), integer(iterations))), sequence(oid('2.16.840.1.101.3.4.1.42'), octets('i'.repeat(16))))); // prettier-ignore
  const shrouded = (scheme: forge.asn1.Asn1): string =>
    text(sequence(sequence(oid('1.2.840.113549.1.12.10.1.2'), explicit(sequence(scheme, octets('x'.repeat(64)))))));
  const encrypted = (scheme: forge.asn1.Asn1, content: string): forge.asn1.Asn1 =>
    sequence(oid('1.2.840.113549.1.7.6'), explicit(sequence(integer(0), sequence(oid('1.2.840.113549.1.7.1'), scheme, create(Class.CONTEXT_SPECIFIC, Type.NONE, false, content))))); // prettier-ignore
  /** Really encrypted, in few iterations: what is inside shows only then. */
  const sealed = (inside: forge.asn1.Asn1): forge.asn1.Asn1 => {
    const [scheme, content] = forge.pki.encryptPrivateKeyInfo(inside, 'Größe 1', { algorithm: 'aes128', count: 2 })
      .value as forge.asn1.Asn1[];
    return encrypted(scheme!, content!.value as string);
  };
  const deep = (levels: number): string => '\x30\x80'.repeat(levels);
  const BILLION = 1_000_000_000;
  const HOSTILE: Readonly<Record<string, readonly [() => Uint8Array, RegExp]>> = {
    'a thousand million iterations of the MAC': [() => pfx([data('')], mac(BILLION)), /derived in 1000000000 iterations; 400000 at most/],
    'of PKCS#12’s own derivation': [() => pfx([encrypted(byPkcs12(BILLION), 'x'.repeat(64))]), /derived in 1000000000 iterations/],
    'of PBKDF2': [() => pfx([encrypted(byPbkdf2(BILLION), 'x'.repeat(64))]), /derived in 1000000000 iterations/],
    'of a key that is in the open, all but its encryption': [
      () => pfx([data(shrouded(byPbkdf2(BILLION)))]),
      /derived in 1000000000 iterations/,
    ],
    'of a key within what is encrypted': [() => pfx([sealed(fromDer(shrouded(byPkcs12(BILLION))))]), /derived in 1000000002 iterations/],
    'many that are few each': [() => pfx([data(shrouded(byPkcs12(100_000)).slice(0) )].flatMap((one) => [one, one, one, one, one])), /derived in 500000 iterations/], // prettier-ignore
    'a count that no machine has': [() => pfx([data(shrouded(sequence(oid('1.2.840.113549.1.12.1.3'), sequence(octets('s'), create(Class.UNIVERSAL, Type.INTEGER, false, '\x7f'.repeat(40))))))]), /derived in more than four thousand million/], // prettier-ignore
    'no iteration at all': [() => pfx([data('')], mac(0)), /in no iteration/],
    'a MAC of a hundred thousand bytes, each of which is derived': [() => pfx([data('')], mac(1000, 's', 'd'.repeat(100_000))), /its MAC has 100000 bytes, and one by sha1 has 20/], // prettier-ignore
    'a salt of half a megabyte': [() => pfx([data('')], mac(1, 's'.repeat(500_000))), /a salt in it has 500000 bytes/],
    'structures without end': [() => Buffer.from(deep(100_000), 'binary'), /nests deeper than 64 levels/],
    'the same in what is read out of octet strings': [() => pfx([data(deep(100_000))]), /nests deeper than 64 levels/],
    'the same in what is encrypted': [() => pfx([sealed(sequence(octets(deep(20_000))))]), /nests deeper than 64 levels/],
    'a hundred thousand values': [() => pfx([data(text(sequence(...Array.from({ length: 100_000 }, () => integer(1)))))]), /more than 20000 values/], // prettier-ignore
    'more than a megabyte': [() => Buffer.alloc(1024 * 1024 + 1), /it has 1048577 bytes; 1048576 at most/],
  };
  it.each(Object.keys(HOSTILE))('%s', (name) => {
    const [make, sentence] = HOSTILE[name]!;
    const bytes = make();
    const began = process.cpuUsage();
    const told = (() => {
      try {
        return read(bytes, 'Größe 1');
      } catch (error) {
        return error instanceof Error ? error.message : String(error);
      }
    })();
    expect(told).toMatch(sentence);
    expect(told).toMatch(/^out\.p12 cannot be used: /);
    expect(told).not.toContain('Größe 1');
    expect(process.cpuUsage(began).user / 1_000).toBeLessThan(2_000);
  });

  it('what tools make in their most careful settings is read all the same', () => {
    const three = { iterations: 100_000, salt: 16 };
    expect(3 * three.iterations).toBeLessThan(MOST_ITERATIONS);
    for (const name of ['pbes2.p12', 'triple-des.p12', 'plain-certificate.p12'])
      expect(read(own(name), 'p12')).toBe('Apple Distribution: Acme GmbH');
  });
});
