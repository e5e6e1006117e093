import { parse } from 'plist';
import { describe, expect, it } from 'vitest';
import { ResealError } from '../../src/domain/errors.js';
import { APPLE_ROOTS, decodeProfile, inspectProfile, verifyProfile } from '../../src/profile/index.js';
import { judgeSignature } from '../../src/profile/signature.js';
import { APPLE_PROFILES, appleProfile, asIndefiniteBer, flipped } from './support.js';

const roots = APPLE_ROOTS;

/** Verdict as one word: the status of the signature, or the error's code. */
function verdict(bytes: Uint8Array): string {
  try {
    return inspectProfile(bytes, { roots }).signature.status;
  } catch (error) {
    if (error instanceof ResealError) return error.code;
    throw error;
  }
}

describe('profiles that Apple really signed (T5)', () => {
  it.each(APPLE_PROFILES)('accepts %s under the pinned Apple Root CA', (name) => {
    const { profile, signature } = verifyProfile(appleProfile(name), { roots });
    expect(signature).toMatchObject({ status: 'valid', reason: expect.stringContaining('Apple Root CA') });
    expect(profile).toMatchObject({
      team: 'VQVYM88YJ2',
      teamName: 'Jigx, Inc',
      kind: 'app-store',
      wildcard: false,
      xcodeManaged: false,
      devices: [],
    });
    expect(profile.uuid.startsWith(name)).toBe(true);
  });

  it('describes c3e20987 as the fixtures document it (S1)', () => {
    const { profile, signature } = verifyProfile(appleProfile('c3e20987'), { roots });
    expect(profile).toMatchObject({
      uuid: 'c3e20987-ffea-4d11-b037-e8bf0a102561',
      name: 'Fastlane PR Unit Tests',
      bundleId: 'com.jigx.test.ios',
      prefix: 'VQVYM88YJ2',
      appId: 'VQVYM88YJ2.com.jigx.test.ios',
      platforms: ['iOS', 'xrOS'],
      createdAt: '2023-06-29T15:40:09Z',
      expiresAt: '2024-06-28T15:21:31Z',
      certificates: [
        {
          sha1: expect.stringMatching(/^2ed916f3/),
          commonName: 'Apple Distribution: Jigx, Inc (VQVYM88YJ2)',
          serial: '665C0BF3BA7BFB7EFBC4789806719C8A',
          notBefore: '2023-06-29T15:21:32Z',
          notAfter: '2024-06-28T15:21:31Z',
        },
      ],
    });
    expect(profile.entitlements['get-task-allow']).toBe(false);
    expect(signature.signedAt).toBe('2023-06-29T15:40:09Z');
  });

  it('accepts the same file as BER with indefinite lengths', () => {
    const ber = asIndefiniteBer(appleProfile('e921776a'));
    expect([...ber.subarray(0, 2)]).toEqual([0x30, 0x80]);
    expect(verifyProfile(ber, { roots }).profile.uuid).toBe('e921776a-69d9-4db9-88a8-01efc9e8ced8');
  });

  it('is invalid once a byte of the contents, the signature or the signed attributes is changed', () => {
    const bytes = appleProfile('c3e20987');
    const { content, signers } = decodeProfile(bytes);
    const places = [content, signers[0]?.signature ?? new Uint8Array()].flatMap((region) => {
      const start = Buffer.from(bytes).indexOf(region);
      expect(start).toBeGreaterThan(0);
      return Array.from({ length: 12 }, (_, index) => start + Math.floor((index / 12) * region.length));
    });
    // The attributes begin with the same SET contents as in the file, behind a tag of their own.
    const attributes = Buffer.from(bytes).indexOf(signers[0]?.signed?.messageDigest ?? new Uint8Array());
    for (const at of [...places, attributes, attributes + 19]) expect([at, verdict(flipped(bytes, at))]).toEqual([at, 'invalid']);
  });

  it('is invalid once the key or signature of any embedded certificate is changed', () => {
    const bytes = Buffer.from(appleProfile('c3e20987'));
    for (const { x509 } of decodeProfile(bytes).certificates) {
      const start = bytes.indexOf(x509.raw);
      const key = start + x509.raw.indexOf(x509.publicKey.export({ type: 'pkcs1', format: 'der' }));
      for (const at of [key + 40, start + x509.raw.length - 20]) expect([at, verdict(flipped(bytes, at))]).toEqual([at, 'invalid']);
    }
  });

  it('counts no file with any byte changed, wherever it is', () => {
    const bytes = appleProfile('2746d535');
    const frame = Array.from({ length: 60 }, (_, index) => index);
    const spread = Array.from({ length: 100 }, (_, index) => 60 + Math.floor((index / 100) * (bytes.length - 60)));
    const accepted = [...frame, ...spread].filter((at) => verdict(flipped(bytes, at)) === 'valid');
    expect(accepted).toEqual([]);
  }, 60_000);

  it('verifies ECDSA under Apple Root CA - G3: the second, DER-encoded profile inside the file', () => {
    const plist = parse(Buffer.from(decodeProfile(appleProfile('c3e20987')).content).toString('utf8'));
    const inner = typeof plist === 'object' && plist !== null && 'DER-Encoded-Profile' in plist ? plist['DER-Encoded-Profile'] : null;
    if (!(inner instanceof Uint8Array)) throw new Error('the fixture has no DER-Encoded-Profile');
    expect(judgeSignature(decodeProfile(inner), roots)).toMatchObject({ status: 'valid', reason: expect.stringContaining('G3') });
    expect(judgeSignature(decodeProfile(flipped(inner, inner.length - 5)), roots).status).toBe('invalid');
  });

  it('is untrusted where Apple is not among the roots', () => {
    const { signature } = inspectProfile(appleProfile('a0b45501'), { roots: [] });
    expect(signature).toMatchObject({ status: 'untrusted', reason: expect.stringContaining('no pinned root') });
  });
});
