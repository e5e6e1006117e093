import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decryptMatch, encryptMatch, type MatchFormat } from '../../activities/profile-source/match/encryption.js';

const FORMATS: readonly MatchFormat[] = [{ version: 'v1', digest: 'md5' }, { version: 'v1', digest: 'sha256' }, { version: 'v2' }];
/** What begins as a profile does: v1 has no other way to tell. */
const profileLike = fc.uint8Array({ maxLength: 3000 }).map((rest) => Uint8Array.of(0x30, ...rest));
const passphrase = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).filter((text) => !/[\0\r\n]/.test(text));
const plausible = (bytes: Uint8Array): boolean => bytes[0] === 0x30;
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** OpenSSL takes the passphrase from its environment, as fastlane's old versions gave it. */
function openssl(args: readonly string[], input: Uint8Array, secret: string): Buffer {
  return execFileSync('openssl', ['enc', '-aes-256-cbc', '-a', '-pass', 'env:MATCH_PASSWORD', ...args], {
    input,
    env: { ...process.env, MATCH_PASSWORD: secret },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
}

describe('the encryption of fastlane match', () => {
  it.each(FORMATS)('gives back what it took: $version $digest', async (format) => {
    await fc.assert(
      fc.asyncProperty(profileLike, passphrase, async (bytes, secret) => {
        const stored = await encryptMatch(bytes, secret, format);
        const found = await decryptMatch(stored, secret, plausible);
        expect(found).toMatchObject({ outcome: 'decrypted', format });
        expect(found.outcome === 'decrypted' ? hex(found.bytes) : '').toBe(hex(bytes));
      }),
      { numRuns: 60 },
    );
  });

  it.each(['md5', 'sha256'] as const)('v1 with %s: openssl reads what is written here, and the other way round', async (digest) => {
    await fc.assert(
      fc.asyncProperty(profileLike, passphrase, async (bytes, secret) => {
        const ours = await encryptMatch(bytes, secret, { version: 'v1', digest });
        expect(hex(openssl(['-d', '-md', digest], ours, secret))).toBe(hex(bytes));
        const theirs = await decryptMatch(openssl(['-md', digest], bytes, secret), secret, plausible);
        expect(theirs.outcome === 'decrypted' ? hex(theirs.bytes) : theirs).toBe(hex(bytes));
        expect(theirs).toMatchObject({ format: { version: 'v1', digest } });
      }),
      { numRuns: 25 },
    );
  });

  it('writes lines of 60 characters and a last line feed, as Ruby does', async () => {
    const text = Buffer.from(await encryptMatch(new Uint8Array(200), 'secret', { version: 'v2' })).toString('latin1');
    const lines = text.split('\n');
    expect(lines.pop()).toBe('');
    expect(lines.slice(0, -1).every((line) => line.length === 60)).toBe(true);
    expect(Buffer.from(text, 'base64').subarray(0, 20).toString('latin1')).toBe('match_encrypted_v2__');
  });

  /** Made by fastlane's own formula in Ruby's terms: PBKDF2 of 68 bytes, of which key, initialisation vector and authenticated data are taken in this order. */
  it('reads a v2 file that was made with other tools', async () => {
    const { createCipheriv, pbkdf2Sync } = await import('node:crypto');
    const salt = Buffer.from('0011223344556677', 'hex');
    const derived = pbkdf2Sync('correct horse', salt, 10_000, 68, 'sha256');
    const cipher = createCipheriv('aes-256-gcm', derived.subarray(0, 32), derived.subarray(32, 44));
    cipher.setAAD(derived.subarray(44, 68));
    const body = Buffer.concat([cipher.update('0 a profile'), cipher.final()]);
    const stored = Buffer.from(Buffer.concat([Buffer.from('match_encrypted_v2__'), salt, cipher.getAuthTag(), body]).toString('base64'));
    const found = await decryptMatch(stored, 'correct horse', plausible);
    expect(found.outcome === 'decrypted' && Buffer.from(found.bytes).toString()).toBe('0 a profile');
  });

  it.each(FORMATS)('never takes a wrong passphrase for the right one: $version $digest', async (format) => {
    const bytes = Uint8Array.from({ length: 500 }, (_, index) => (index * 7 + 0x30) % 256);
    for (let tries = 0; tries < 40; tries += 1) {
      const stored = await encryptMatch(bytes, 'right', format);
      const found = await decryptMatch(stored, 'wrong', plausible);
      if (found.outcome === 'decrypted') expect(hex(found.bytes)).not.toBe(hex(bytes));
      else expect(found.outcome).toBe('wrong-passphrase');
      if (format.version === 'v2') expect(found.outcome).toBe('wrong-passphrase');
    }
  });

  it('finds a v2 file whose tag or contents were changed', async () => {
    const stored = Buffer.from(
      Buffer.from(await encryptMatch(Buffer.from('0 a profile'), 'secret', { version: 'v2' })).toString('latin1'),
      'base64',
    );
    for (const position of [20, 30, 44, stored.length - 1]) {
      const changed = Buffer.from(stored);
      changed[position] = (changed[position] ?? 0) ^ 1;
      const found = await decryptMatch(Buffer.from(changed.toString('base64')), 'secret', plausible);
      expect(found).toEqual({ outcome: 'wrong-passphrase', version: 'v2' });
    }
  });

  it.each([
    ['v1', 'Salted__12345678', 'damaged'],
    ['v1 within a block', `Salted__12345678${'x'.repeat(17)}`, 'damaged'],
    ['v2', 'match_encrypted_v2__1234', 'damaged'],
    ['something else in base64', 'hello there', 'not-encrypted'],
  ])('says of a %s file that is cut off what it is', async (_, plain, outcome) => {
    const found = await decryptMatch(Buffer.from(Buffer.from(plain, 'latin1').toString('base64')), 'secret', plausible);
    expect(found.outcome).toBe(outcome);
  });

  it.each(['<!DOCTYPE html><html>Sign in</html>', '', 'version https://git-lfs.github.com/spec/v1\noid sha256:00', '\u0030\u0082'])(
    'knows what is not encrypted: %j',
    async (text) => {
      expect(await decryptMatch(Buffer.from(text, 'latin1'), 'secret', plausible)).toEqual({ outcome: 'not-encrypted' });
    },
  );
});
