import { execFileSync, spawnSync } from 'node:child_process';
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { canonicalBytes } from '../../src/statement/canonical.js';
import { parsePublicKey } from '../../src/statement/ssh-key.js';
import { verifySignature } from '../../src/statement/sshsig.js';
import { sshString } from '../../src/statement/ssh-wire.js';

const folder = mkdtempSync(join(tmpdir(), 'reseal-sshsig-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const NAMESPACE = 'reseal-approval-v1';
const MESSAGE = canonicalBytes({ rotation: 'ios-main-7', decision: 'approve', ticket: 'CHG-7', persons: ['ada', 'grâce'] });

/** A key pair of the real `ssh-keygen`: the path of its private half. */
function keyOf(type: string, ...options: string[]): string {
  const path = join(folder, `${type}-${options.join('-')}`);
  execFileSync('ssh-keygen', ['-q', '-t', type, ...options, '-N', '', '-C', 'test', '-f', path]);
  return path;
}

function signWith(key: string, message: Uint8Array, namespace = NAMESPACE, ...options: string[]): string {
  return execFileSync('ssh-keygen', ['-q', '-Y', 'sign', '-f', key, '-n', namespace, ...options], { input: message, encoding: 'utf8' });
}

/** What the real `ssh-keygen -Y verify` says of the same signature. */
function opensshAccepts(publicKey: string, armored: string, message: Uint8Array, namespace = NAMESPACE): boolean {
  writeFileSync(join(folder, 'allowed'), `ada ${publicKey}\n`);
  writeFileSync(join(folder, 'signature'), armored);
  const options = ['-Y', 'verify', '-f', join(folder, 'allowed'), '-I', 'ada', '-n', namespace, '-s', join(folder, 'signature')];
  return spawnSync('ssh-keygen', options, { input: message }).status === 0;
}

const KEYS = [
  ['ed25519', keyOf('ed25519')],
  ['ecdsa, P-256', keyOf('ecdsa', '-b', '256')],
  ['ecdsa, P-384', keyOf('ecdsa', '-b', '384')],
  ['ecdsa, P-521', keyOf('ecdsa', '-b', '521')],
  ['rsa, 3072 bits', keyOf('rsa', '-b', '3072')],
] as const;
const ed25519 = KEYS[0][1];

describe.each(KEYS)('a signature of an %s key', (_, key) => {
  const publicKey = readFileSync(`${key}.pub`, 'utf8').trim();

  it.each(['sha256', 'sha512'])('over %s is accepted as ssh-keygen made it, and named by its key (T2)', (hash) => {
    const armored = signWith(key, MESSAGE, NAMESPACE, '-O', `hashalg=${hash}`);
    const verdict = verifySignature(armored, MESSAGE, NAMESPACE);
    if (verdict.kind !== 'valid') throw new Error(verdict.reason);
    const [, fingerprint] = execFileSync('ssh-keygen', ['-l', '-f', `${key}.pub`], { encoding: 'utf8' }).split(' ');
    expect(verdict.key.fingerprint).toBe(fingerprint);
    expect(verdict.key.fingerprint).toBe(parsePublicKey(publicKey).fingerprint);
    expect(opensshAccepts(publicKey, armored, MESSAGE)).toBe(true);
  });

  it('is refused over another message and in another namespace, as ssh-keygen refuses it', () => {
    const armored = signWith(key, MESSAGE);
    const other = canonicalBytes({ rotation: 'ios-main-8' });
    expect(verifySignature(armored, other, NAMESPACE)).toEqual({ kind: 'invalid', reason: 'it does not fit what it is said to sign' });
    expect(opensshAccepts(publicKey, armored, other)).toBe(false);
    expect(verifySignature(armored, MESSAGE, 'reseal-handoff-v1')).toEqual({
      kind: 'invalid',
      reason: 'it was made for the namespace "reseal-approval-v1"; reseal-handoff-v1 is expected',
    });
    expect(opensshAccepts(publicKey, armored, MESSAGE, 'reseal-handoff-v1')).toBe(false);
  });
});

describe('whatever is changed in a signature', () => {
  const armored = signWith(ed25519, MESSAGE);
  const bytes = Buffer.from(armored.replaceAll(/-----[A-Z ]+-----/g, ''), 'base64');
  const armor = (content: Uint8Array): string =>
    `-----BEGIN SSH SIGNATURE-----\n${Buffer.from(content).toString('base64')}\n-----END SSH SIGNATURE-----\n`;

  it('is refused: every bit of it counts', () => {
    expect(verifySignature(armor(bytes), MESSAGE, NAMESPACE).kind).toBe('valid');
    for (let at = 0; at < bytes.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const changed = Uint8Array.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ (1 << bit);
        expect(verifySignature(armor(changed), MESSAGE, NAMESPACE).kind, `byte ${at}, bit ${bit}`).toBe('invalid');
      }
    }
  });

  it('cut short anywhere, or with more behind it, is refused', () => {
    for (let length = 0; length < bytes.length; length++)
      expect(verifySignature(armor(bytes.subarray(0, length)), MESSAGE, NAMESPACE).kind).toBe('invalid');
    expect(verifySignature(armor(Buffer.concat([bytes, Buffer.from([0])])), MESSAGE, NAMESPACE).kind).toBe('invalid');
  });

  it('any text gives a verdict, never an exception', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ maxLength: 200 }), fc.uint8Array({ maxLength: 400 }).map(armor)), (text) => {
        expect(verifySignature(text, MESSAGE, NAMESPACE).kind).toBe('invalid');
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (tail) => {
        const head = Buffer.concat([Buffer.from('SSHSIG'), Buffer.from([0, 0, 0, 1])]);
        expect(verifySignature(armor(Buffer.concat([head, tail])), MESSAGE, NAMESPACE).kind).toBe('invalid');
      }),
    );
    expect(verifySignature(`-----BEGIN SSH SIGNATURE-----${'A'.repeat(20_000)}`, MESSAGE, NAMESPACE)).toMatchObject({ kind: 'invalid' });
  });
});

describe('a signature of a hardware key', () => {
  const APPLICATION = 'ssh:';
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const point = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url');
  const type = 'sk-ssh-ed25519@openssh.com';
  const blob = Buffer.concat([sshString(type), sshString(point), sshString(APPLICATION)]);
  const line = `${type} ${blob.toString('base64')}`;
  const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();

  /** What the key's hardware would sign, by PROTOCOL.u2f. */
  function signedBy(flags: number): string {
    const hash = createHash('sha512').update(MESSAGE).digest();
    const signed = Buffer.concat([Buffer.from('SSHSIG'), sshString(NAMESPACE), sshString(''), sshString('sha512'), sshString(hash)]);
    const tail = Buffer.from([flags, 0, 0, 0, 9]);
    const signature = sign(null, Buffer.concat([sha256(Buffer.from(APPLICATION)), tail, sha256(signed)]), privateKey);
    const parts = Buffer.concat([sshString(type), sshString(signature), tail]);
    const whole = Buffer.concat([
      Buffer.from('SSHSIG'),
      Buffer.from([0, 0, 0, 1]),
      sshString(blob),
      sshString(NAMESPACE),
      sshString(''),
      sshString('sha512'),
      sshString(parts),
    ]);
    return `-----BEGIN SSH SIGNATURE-----\n${whole.toString('base64')}\n-----END SSH SIGNATURE-----\n`;
  }

  it('is accepted where somebody touched it, as ssh-keygen accepts it, and only there', () => {
    expect(opensshAccepts(line, signedBy(1), MESSAGE)).toBe(true);
    expect(verifySignature(signedBy(1), MESSAGE, NAMESPACE)).toMatchObject({
      kind: 'valid',
      key: { fingerprint: parsePublicKey(line).fingerprint, application: APPLICATION },
    });
    expect(verifySignature(signedBy(0), MESSAGE, NAMESPACE).kind).toBe('invalid');
  });
});

describe('a public key', () => {
  it.each([
    [
      'an RSA key of 1024 bits',
      readFileSync(`${keyOf('rsa', '-b', '1024')}.pub`, 'utf8'),
      'it is an RSA key of 1024 bits; 2048 to 16384 are accepted',
    ],
    [
      'a type that is not accepted',
      `ssh-dss ${Buffer.from(sshString('ssh-dss')).toString('base64')}`,
      'it is of the type "ssh-dss", which is not accepted',
    ],
    [
      'another type than its line says',
      readFileSync(`${ed25519}.pub`, 'utf8').replace('ssh-ed25519 ', 'ssh-rsa '),
      'it says ssh-rsa and holds ssh-ed25519',
    ],
    ['a private key', readFileSync(ed25519, 'utf8'), 'it is no public key of SSH, which reads like "ssh-ed25519 AAAA…"'],
    ['nothing', '', 'it is no public key of SSH, which reads like "ssh-ed25519 AAAA…"'],
  ])('that is %s is refused in words', (_, line, says) => {
    expect(() => parsePublicKey(line)).toThrow(new RangeError(says));
  });
});

describe('a statement', () => {
  it('has the bytes of RFC 8785: sorted by UTF-16 code units, no spaces, numbers as ECMAScript writes them', () => {
    const statement = {
      '\u20ac': 'Euro',
      '\r': 'CR',
      '1': 'one',
      '\u{1f600}': 'smile',
      '\ufb33': 'dalet',
      numbers: [333333333.33333329, 1e30, 4.5, 2e-3],
    };
    expect(new TextDecoder().decode(canonicalBytes(statement))).toBe(
      '{"\\r":"CR","1":"one","numbers":[333333333.3333333,1e+30,4.5,0.002],"\u20ac":"Euro","\u{1f600}":"smile","\ufb33":"dalet"}',
    );
  });

  it('that UTF-8 cannot write is refused', () => {
    expect(() => canonicalBytes({ ticket: '\ud800' })).toThrow();
    expect(() => canonicalBytes({ seq: Number.NaN })).toThrow();
  });
});

it('a key whose parts are no UTF-8, cut short or of impossible length is refused in the words of the others', () => {
  for (const blob of [[0, 0, 0, 2, 0xff, 0xfe], [0xff, 0xff, 0xff, 0xff], [0, 0, 0], []])
    expect(() => parsePublicKey(`ssh-ed25519 ${Buffer.from([...blob, 0, 0, 0]).toString('base64')} ada`)).toThrow(RangeError);
});
