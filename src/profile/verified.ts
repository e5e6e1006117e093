import { ResealError } from '../domain/errors.js';
import { sha256Hex } from './digest.js';
import { verifyProfile, type VerifiedProfile } from './read.js';
import { rootsDigest, type PinnedRoot } from './trust.js';

type Verdict = { readonly verified: VerifiedProfile } | { readonly refused: ResealError };

/**
 * Remembers verdicts by (digest of the bytes, digest of the roots), so that a probe every few seconds verifies each distinct
 * file once. A verdict never goes stale: it depends on nothing but these two. Held in memory only; a node whose disk can be
 * written by builds cannot plant one.
 */
export class VerifiedProfiles {
  readonly #roots: readonly PinnedRoot[];
  readonly #rootsDigest: string;
  readonly #capacity: number;
  readonly #verdicts = new Map<string, Verdict>();
  #verifications = 0;

  /** @param options.capacity how many verdicts are kept (default 512); the one longest unused goes first */
  constructor(options: { readonly roots: readonly PinnedRoot[]; readonly capacity?: number }) {
    this.#roots = options.roots;
    this.#rootsDigest = rootsDigest(options.roots);
    this.#capacity = Math.max(1, options.capacity ?? 512);
  }

  /** How many files were really verified, as opposed to remembered. */
  get verifications(): number {
    return this.#verifications;
  }

  /** As `verifyProfile`. @throws ResealError NOT_A_PROFILE, PROFILE_UNTRUSTED */
  verify(bytes: Uint8Array): VerifiedProfile {
    const key = `${sha256Hex(bytes)} ${this.#rootsDigest}`;
    const verdict = this.#verdicts.get(key) ?? this.#judge(bytes);
    this.#verdicts.delete(key);
    this.#verdicts.set(key, verdict);
    if (this.#verdicts.size > this.#capacity) this.#forgetOldest();
    if ('refused' in verdict) throw verdict.refused;
    return verdict.verified;
  }

  #judge(bytes: Uint8Array): Verdict {
    this.#verifications += 1;
    try {
      return { verified: verifyProfile(bytes, { roots: this.#roots }) };
    } catch (error) {
      if (error instanceof ResealError) return { refused: error };
      throw error;
    }
  }

  #forgetOldest(): void {
    const oldest = this.#verdicts.keys().next();
    if (oldest.done !== true) this.#verdicts.delete(oldest.value);
  }
}
