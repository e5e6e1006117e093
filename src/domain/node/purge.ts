import type { Instant, Sha1 } from '../brands.js';
import { horizonOf } from '../groups.js';
import type { Manifest } from '../manifest.js';

/** What is known of a keychain that reseal made on a node. */
export interface MadeKeychain {
  readonly identity: Sha1;
  readonly onSearchList: boolean;
  /** A manifest that the node accepts, of whatever line, signs with it. */
  readonly accepted: boolean;
  /** Until when a rollback may need it, by what is noted beside it and by what lies in quarantine; null: nothing tells. */
  readonly neededUntil: Instant | null;
}

export type PurgeDecision =
  { readonly purge: true } | { readonly purge: false; readonly reason: string; readonly possibleFrom: Instant | null };

/**
 * Until when a rollback may need an identity: the last horizon of the manifests that it went with, for while a profile and its certificate live, a command
 * may bring them back. null: none of them signs with it.
 * @param known what was noted before
 */
export function neededUntil(identity: Sha1, retiredWith: readonly Manifest[], known: Instant | null): Instant | null {
  const horizons = retiredWith.flatMap((manifest) => {
    const entries = manifest.profiles.filter((entry) => entry.identity === identity);
    return entries.length === 0 ? [] : [horizonOf(manifest, entries)];
  });
  const all = known === null ? horizons : [...horizons, known];
  return all.length === 0 ? null : Math.max(...all);
}

/** Whether a keychain may be destroyed: nothing signs with it, and no rollback can come back to it any more. */
export function mayPurge(keychain: MadeKeychain, now: Instant): PurgeDecision {
  const keep = (reason: string, possibleFrom: Instant | null = null): PurgeDecision => ({ purge: false, reason, possibleFrom });
  if (keychain.accepted) return keep('a manifest that the node accepts signs with it');
  if (keychain.onSearchList) return keep('it is on the search list');
  const until = keychain.neededUntil;
  if (until === null) return keep('nothing on the node tells until when a rollback may need it');
  return until <= now
    ? { purge: true }
    : keep(`a rollback may need it until ${new Date(until).toISOString().slice(0, 16).replace('T', ' ')} UTC; purge it then`, until);
}

/** What a purge did on one node. */
export interface PurgeResult {
  readonly purged: readonly Sha1[];
  readonly kept: readonly KeptKeychain[];
}

export interface KeptKeychain {
  readonly identity: Sha1;
  readonly reason: string;
  /** ISO 8601; null where no date alone makes it possible. */
  readonly possibleFrom: string | null;
}

/** Whether a purge came to nothing because it was asked for before a horizon. */
export const cameTooEarly = ({ purged, kept }: PurgeResult): boolean =>
  purged.length === 0 && kept.some(({ possibleFrom }) => possibleFrom !== null);
