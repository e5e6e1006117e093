import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ResealError } from '../../src/domain/errors.js';
import { APPLE_ROOTS, inspectProfile, MAX_PROFILE_BYTES, pinRoots, verifyProfile } from '../../src/profile/index.js';
import { signedFile } from '../../src/simulator/apple/profile-file.js';
import type { AppleHierarchy } from '../../src/simulator/apple-hierarchy.js';
import { decodeProfile } from '../../src/profile/index.js';
import { appleProfile, temporaryHierarchy } from './support.js';

let apple: AppleHierarchy;
let dispose: () => void;
beforeAll(async () => ({ apple, dispose } = await temporaryHierarchy()));
afterAll(() => dispose());

const text = (content: string): Uint8Array => Buffer.from(content);

function refusal(bytes: Uint8Array): ResealError {
  try {
    verifyProfile(bytes, { roots: APPLE_ROOTS });
  } catch (error) {
    if (error instanceof ResealError) return error;
    throw error;
  }
  throw new Error('it was accepted');
}

describe('what lies under the name of a profile and is none (T5)', () => {
  it.each<[string, Uint8Array, RegExp]>([
    ['an empty file', text(''), /an empty file.*Download it again/],
    ['an HTML log-in page', text('\n<!DOCTYPE html><html><body>Sign in</body></html>'), /an HTML page.*log-in page/],
    [
      'a bare property list',
      text('<?xml version="1.0"?><plist version="1.0"><dict><key>UUID</key><string>x</string></dict></plist>'),
      /bare property list without a signature/,
    ],
    ['a binary property list', text('bplist00xyz'), /bare property list/],
    ['JSON', text('{"data": {}}'), /JSON.*profileContent/],
    ['base64', text(Buffer.from('3082'.repeat(40), 'hex').toString('base64')), /base64/],
    ['a Git LFS pointer', text('version https://git-lfs.github.com/spec/v1\n'), /git lfs pull/],
    ['garbage', text('\x00\x01\x02garbage'), /bytes of no known kind/],
    ['unrelated ASN.1', Uint8Array.of(0x30, 0x03, 0x02, 0x01, 0x05), /ASN\.1/],
  ])('names %s', (_, bytes, sentence) => {
    expect(refusal(bytes)).toMatchObject({ code: 'NOT_A_PROFILE', message: expect.stringMatching(sentence) });
  });

  it('says how much of a truncated file is there', () => {
    const whole = appleProfile('c3e20987');
    expect(refusal(whole.subarray(0, 9000)).message).toContain(`truncated file (9000 of ${whole.length} bytes)`);
  });

  it('refuses a file of 50 MB without decoding it', () => {
    const bytes = new Uint8Array(50 * 1024 * 1024).fill(0x30);
    expect(refusal(bytes)).toMatchObject({ code: 'NOT_A_PROFILE', message: expect.stringContaining('50.0 MB') });
    expect(bytes.length).toBeGreaterThan(MAX_PROFILE_BYTES);
  });

  it('refuses bytes after the end of a profile', () => {
    expect(refusal(Buffer.concat([appleProfile('c3e20987'), text('x')])).code).toBe('NOT_A_PROFILE');
  });

  it('shows the contents of a bare profile as unsigned, beside the error', () => {
    const { content } = decodeProfile(appleProfile('c3e20987'));
    const shown = inspectProfile(content, { roots: APPLE_ROOTS });
    expect(shown.signature.status).toBe('unsigned');
    expect(shown.profile?.uuid).toBe('c3e20987-ffea-4d11-b037-e8bf0a102561');
    expect(shown.error).toMatchObject({ code: 'NOT_A_PROFILE' });
  });

  it('names every key that a well-signed file lacks', () => {
    const content =
      '<?xml version="1.0"?><plist version="1.0"><dict><key>UUID</key><string>no</string><key>Name</key><string>x</string></dict></plist>';
    const bytes = signedFile(content, { by: apple.profileSigner, digest: 'sha256', signingTime: new Date('2026-01-01T00:00:00Z') });
    expect(() => verifyProfile(bytes, { roots: pinRoots([apple.rootPem]) })).toThrow(/UUID: is no UUID.*TeamIdentifier.*ExpirationDate/);
  });
});
