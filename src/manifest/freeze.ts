import type { Sha1, Sha256 } from '../domain/brands.js';
import { ResealError } from '../domain/errors.js';
import type { Manifest } from '../domain/manifest.js';
import { fieldName, manifestProblems } from '../domain/manifest-rules.js';
import { canonicalJson } from './canonical-json.js';
import { sha1Of, sha256Of } from './digest.js';

export interface FrozenManifest {
  readonly bytes: Uint8Array;
  /** The manifest's identity. */
  readonly sha256: Sha256;
  /** What `shasum` prints by default. */
  readonly sha1: Sha1;
}

/**
 * The frozen bytes of a manifest and their digests.
 * @throws ResealError MANIFEST_INVALID, with every problem as a detail.
 */
export function freezeManifest(manifest: Manifest): FrozenManifest {
  const problems = manifestProblems(manifest).map(
    ({ path, found, expected }) => `${fieldName(path)}: found ${found}, expected ${expected}`,
  );
  if (problems.length > 0) {
    throw new ResealError('MANIFEST_INVALID', `The manifest of line ${manifest.line} cannot be frozen: ${problems.join('; ')}.`, {
      details: problems,
    });
  }
  const bytes = new TextEncoder().encode(canonicalJson(manifest));
  return { bytes, sha256: sha256Of(bytes), sha1: sha1Of(bytes) };
}
