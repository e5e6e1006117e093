/** `.mobileprovision`: decode, verify, describe. */
export { sha256Hex } from './digest.js';
export { decodeProfile, inspectProfile, untrusted, verifyProfile, type InspectedProfile, type VerifiedProfile } from './read.js';
export { readProfileFile } from './file.js';
export { MAX_PROFILE_BYTES, notAProfile, tooLarge } from './not-a-profile.js';
export { signerExpired, type SignatureStatus, type SignatureVerdict } from './signature.js';
export { APPLE_ROOTS, APPLE_SIGNERS, pinRootFiles, pinRoots, rootsDigest, type PinnedRoot, type Signers } from './trust.js';
export { VerifiedProfiles } from './verified.js';
