import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ResealError } from '../../src/domain/errors.js';
import {
  APPLE_ROOTS,
  APPLE_SIGNERS,
  inspectProfile,
  pinRoots,
  rootsDigest,
  signerExpired,
  VerifiedProfiles,
  verifyProfile,
  type PinnedRoot,
} from '../../src/profile/index.js';
import { openAuthority } from '../../src/simulator/apple/authority.js';
import type { AppleHierarchy, DistributionCertificate, ProfileSigner } from '../../src/simulator/apple-hierarchy.js';
import { asIndefiniteBer, request, strangeHierarchy, trustedHierarchy } from './support.js';

let apple: AppleHierarchy;
let identity: DistributionCertificate;
let roots: readonly PinnedRoot[];
let dispose: () => void;

beforeAll(async () => {
  ({ apple, identity, roots, dispose } = await trustedHierarchy());
});
afterAll(() => dispose());

const signatureOf = (bytes: Uint8Array, trusted = roots) => inspectProfile(bytes, { roots: trusted }).signature;

describe('signatures of profiles (T5)', () => {
  it.each(['sha1', 'sha256'] as const)('accepts %s as DER and as BER with indefinite lengths', (digest) => {
    const der = apple.makeProfile(request({ certificates: [identity], digest }));
    expect(verifyProfile(der, { roots }).signature.status).toBe('valid');
    expect(verifyProfile(asIndefiniteBer(der), { roots }).profile.uuid).toBe(verifyProfile(der, { roots }).profile.uuid);
  });

  it('judges the signer at the signing time, and says when it has expired since', async () => {
    const signer = await apple.issueProfileSigner({
      notBefore: new Date('2020-01-01T00:00:00Z'),
      notAfter: new Date('2022-04-12T00:00:00Z'),
    });
    const bytes = apple.makeProfile(request({ certificates: [identity], createdAt: new Date('2022-01-01T00:00:00Z') }), signer);
    const { signature } = verifyProfile(bytes, { roots });
    expect(signerExpired(signature, Date.parse('2022-04-11T00:00:00Z'))).toBe(false);
    expect(signerExpired(signature, Date.parse('2022-04-13T00:00:00Z'))).toBe(true);
  });

  it('does not trust a signer that had expired when it signed', async () => {
    const signer = await apple.issueProfileSigner({
      notBefore: new Date('2020-01-01T00:00:00Z'),
      notAfter: new Date('2022-04-12T00:00:00Z'),
    });
    const signature = signatureOf(apple.makeProfile(request({ certificates: [identity] }), signer));
    expect(signature).toMatchObject({ status: 'untrusted', reason: expect.stringContaining('was not valid at the signing time') });
  });

  it('does not trust a chain that ends at a root which is not pinned, however real its signature', () => {
    const bytes = apple.makeProfile(request({ certificates: [identity] }));
    expect(signatureOf(bytes, APPLE_ROOTS)).toMatchObject({ status: 'untrusted', reason: expect.stringContaining('no pinned root') });
    expect(() => verifyProfile(bytes, { roots: APPLE_ROOTS })).toThrow(expect.objectContaining({ code: 'PROFILE_UNTRUSTED' }));
  });

  it('accepts another certificate of the pinned key, as files of 2015 embed one', () => {
    const [root] = roots;
    const otherCertificate = { ...root, sha256: '0'.repeat(64) } as PinnedRoot;
    expect(signatureOf(apple.makeProfile(request({ certificates: [identity] })), [otherCertificate]).status).toBe('valid');
  });

  it("does not let a developer's own certificate sign profiles, though it leads to Apple's root", () => {
    const developer: ProfileSigner = {
      signer: openAuthority(identity.certificatePem, identity.privateKeyPem),
      above: [openAuthority(apple.wwdrPem, identity.privateKeyPem), ...apple.profileSigner.above.slice(-1)],
    };
    const bytes = apple.makeProfile(request({ certificates: [identity] }), developer);
    const signature = signatureOf(bytes, pinRoots([apple.rootPem], APPLE_SIGNERS));
    expect(signature).toMatchObject({ status: 'untrusted', reason: expect.stringContaining('not one that signs profiles') });
  });

  it('is invalid where the embedded chain is not the one that the signer names', async () => {
    const other = await strangeHierarchy();
    try {
      const mixed: ProfileSigner = { signer: apple.profileSigner.signer, above: other.apple.profileSigner.above };
      expect(signatureOf(apple.makeProfile(request({ certificates: [identity] }), mixed)).status).toBe('invalid');
    } finally {
      other.dispose();
    }
  });

  it('does not trust a chain with a certificate missing', () => {
    const bare: ProfileSigner = { signer: apple.profileSigner.signer, above: [] };
    expect(signatureOf(apple.makeProfile(request({ certificates: [identity] }), bare)).status).toBe('untrusted');
  });
});

describe('verdicts are remembered (R4)', () => {
  it('verifies each distinct file once, and the second probe not again', () => {
    const profiles = new VerifiedProfiles({ roots });
    const bytes = apple.makeProfile(request({ certificates: [identity] }));
    const first = profiles.verify(bytes);
    expect(profiles.verify(Uint8Array.from(bytes))).toBe(first);
    expect(profiles.verifications).toBe(1);
  });

  it('remembers refusals too, and gives them again', () => {
    const profiles = new VerifiedProfiles({ roots: APPLE_ROOTS });
    const bytes = apple.makeProfile(request({ certificates: [identity] }));
    for (let probe = 0; probe < 2; probe += 1) expect(() => profiles.verify(bytes)).toThrow(ResealError);
    expect(profiles.verifications).toBe(1);
  });

  it('forgets the file that was longest unused when it is full', () => {
    const profiles = new VerifiedProfiles({ roots, capacity: 2 });
    const [a, b, c] = ['a', 'b', 'c'].map((name) => apple.makeProfile(request({ certificates: [identity], name })));
    for (const bytes of [a, b, a, c, a]) profiles.verify(bytes ?? new Uint8Array());
    expect(profiles.verifications).toBe(3);
    profiles.verify(b ?? new Uint8Array());
    expect(profiles.verifications).toBe(4);
  });

  it('tells sets of roots apart, whatever their order', () => {
    expect(rootsDigest([...APPLE_ROOTS].reverse())).toBe(rootsDigest(APPLE_ROOTS));
    expect(rootsDigest([...APPLE_ROOTS, ...roots])).not.toBe(rootsDigest(APPLE_ROOTS));
  });
});
