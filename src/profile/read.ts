import { ResealError } from '../domain/errors.js';
import type { ProfileDescription } from '../domain/profile.js';
import { readSignedFile, type SignedFile } from './cms.js';
import { readContents } from './contents.js';
import { sha256Hex } from './digest.js';
import { MAX_PROFILE_BYTES, notAProfile, tooLarge } from './not-a-profile.js';
import { judgeSignature, UNSIGNED, type SignatureVerdict } from './signature.js';
import type { PinnedRoot } from './trust.js';

/** A profile whose signature and chain hold: the only kind that anything may be decided by (T5). */
export interface VerifiedProfile {
  readonly profile: ProfileDescription;
  readonly signature: SignatureVerdict & { readonly status: 'valid' };
}

/** A profile to look at, whatever its signature is worth. Decide nothing by it. */
export interface InspectedProfile {
  /** Null where the contents cannot be decoded: they were changed, and the signature says so. */
  readonly profile: ProfileDescription | null;
  readonly signature: SignatureVerdict;
  /** Set where there is no profile, or where the file is none though its contents look like one (a bare property list). */
  readonly error: ResealError | null;
}

/**
 * Takes the CMS file apart and verifies nothing.
 *
 * @throws ResealError NOT_A_PROFILE saying what was found instead
 */
export function decodeProfile(bytes: Uint8Array): SignedFile {
  if (bytes.length > MAX_PROFILE_BYTES) throw tooLarge(bytes.length);
  if (bytes[0] !== 0x30) throw notAProfile(bytes);
  try {
    return readSignedFile(bytes);
  } catch (cause) {
    throw notAProfile(bytes, cause);
  }
}

/**
 * Verifies signature, signed attributes and chain, and only then decodes the contents (T5).
 *
 * @param options.roots the roots that count: `APPLE_ROOTS`, and for simulated nodes those of their mesh
 * @throws ResealError NOT_A_PROFILE where it is none, PROFILE_UNTRUSTED where its signature does not count
 */
export function verifyProfile(bytes: Uint8Array, options: { readonly roots: readonly PinnedRoot[] }): VerifiedProfile {
  const file = decodeProfile(bytes);
  const signature = judgeSignature(file, options.roots);
  if (signature.status !== 'valid') throw untrusted(signature);
  return { profile: contents(file.content, bytes), signature: { ...signature, status: 'valid' } };
}

/**
 * Decodes a profile for people to look at, with the status of its signature beside it.
 *
 * @throws ResealError NOT_A_PROFILE where there is nothing to show
 */
export function inspectProfile(bytes: Uint8Array, options: { readonly roots: readonly PinnedRoot[] }): InspectedProfile {
  const bare = barePlist(bytes);
  if (bare !== null) return bare;
  const file = decodeProfile(bytes);
  const signature = judgeSignature(file, options.roots);
  try {
    return { signature, profile: contents(file.content, bytes), error: null };
  } catch (error) {
    if (signature.status === 'valid') throw error;
    return { signature, profile: null, error: untrusted(signature) };
  }
}

/** The error for a profile whose signature does not count. */
export function untrusted(signature: SignatureVerdict): ResealError {
  const word = { valid: 'valid', invalid: 'invalid', untrusted: 'not trusted', unsigned: 'missing' }[signature.status];
  return new ResealError(
    'PROFILE_UNTRUSTED',
    `The profile's signature is ${word}: ${signature.reason}. Expected a signature by Apple that leads to a pinned root. Download the profile again; do not use this file.`,
  );
}

function contents(content: Uint8Array, file: Uint8Array): ProfileDescription {
  try {
    return readContents(content, sha256Hex(file));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ResealError(
      'NOT_A_PROFILE',
      `Found a CMS file whose contents are no provisioning profile: ${reason}. Download the profile again from the developer portal.`,
      { cause },
    );
  }
}

/** An unsigned property list with a profile's keys; null for anything else. */
function barePlist(bytes: Uint8Array): InspectedProfile | null {
  if (bytes.length > MAX_PROFILE_BYTES || bytes[0] === 0x30) return null;
  try {
    return { profile: readContents(bytes, sha256Hex(bytes)), signature: UNSIGNED, error: notAProfile(bytes) };
  } catch {
    // Not one with a profile's keys: `decodeProfile` says what it is.
    return null;
  }
}
