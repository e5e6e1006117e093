import type { Instant, Sha256 } from '../../src/domain/brands.js';
import { ResealError } from '../../src/domain/errors.js';
import type { VerifiedProfiles } from '../../src/profile/index.js';

/** What a profile's CMS signature and chain say, and, where they hold, what the profile says of itself. */
export type ProfileVerdict =
  | { readonly status: 'valid'; readonly reason: string; readonly uuid: string; readonly team: string; readonly expiresAt: Instant }
  | {
      readonly status: 'untrusted' | 'not-a-profile';
      readonly reason: string;
      readonly uuid: null;
      readonly team: null;
      readonly expiresAt: null;
    };

/** Verifies profiles; expected to remember its verdicts by digest. A rejection means that nothing could be found out. */
export interface ProfileVerifier {
  verify(bytes: Uint8Array, sha256: Sha256): Promise<ProfileVerdict>;
}

const REMEMBERED = 1_000;

/** Reseal's own verification, once per digest. */
export function profileVerifier(profiles: VerifiedProfiles): ProfileVerifier {
  const verdicts = new Map<Sha256, ProfileVerdict>();
  return {
    verify: async (bytes, sha256) => {
      const known = verdicts.get(sha256);
      if (known !== undefined) return known;
      if (verdicts.size >= REMEMBERED) verdicts.clear();
      const verdict = judge(profiles, bytes);
      verdicts.set(sha256, verdict);
      return verdict;
    },
  };
}

function judge(profiles: VerifiedProfiles, bytes: Uint8Array): ProfileVerdict {
  try {
    const { profile } = profiles.verify(bytes);
    return { status: 'valid', reason: '', uuid: profile.uuid, team: profile.team, expiresAt: Date.parse(profile.expiresAt) };
  } catch (error) {
    if (!(error instanceof ResealError)) throw error;
    const status = error.code === 'NOT_A_PROFILE' ? 'not-a-profile' : 'untrusted';
    return { status, reason: error.message, uuid: null, team: null, expiresAt: null };
  }
}
