import type { Instant, Sha1 } from '../brands.js';
import { horizonOf } from '../groups.js';
import type { Manifest } from '../manifest.js';

/** What is known of a keychain that reseal made on a node. */
export interface MadeKeychain {
  readonly identity: Sha1;
  readonly onSearchList: boolean;
  /** A manifest that the node accepts, of whatever line, signs with it. */
  readonly accepted: boolean;
  /** Manifests in the node's quarantine that sign with it. */
  readonly retiredWith: readonly Manifest[];
}

export type PurgeDecision = { readonly purge: true } | { readonly purge: false; readonly reason: string };

/**
 * Whether a keychain may be destroyed: nothing signs with it, and no rollback can come back to it any more. Until when one can is the horizon of the
 * manifests that it went with: while a profile and its certificate live, a command may bring them back.
 */
export function mayPurge(keychain: MadeKeychain, now: Instant): PurgeDecision {
  const keep = (reason: string): PurgeDecision => ({ purge: false, reason });
  if (keychain.accepted) return keep('a manifest that the node accepts signs with it');
  if (keychain.onSearchList) return keep('it is on the search list');
  const horizons = keychain.retiredWith.map((manifest) =>
    horizonOf(
      manifest,
      manifest.profiles.filter((entry) => entry.identity === keychain.identity),
    ),
  );
  if (horizons.length === 0) return keep('nothing in quarantine tells until when a rollback may need it');
  const until = Math.max(...horizons);
  return until <= now
    ? { purge: true }
    : keep(`a rollback may need it until ${new Date(until).toISOString().slice(0, 16).replace('T', ' ')} UTC`);
}

/** What a purge did on one node. */
export interface PurgeResult {
  readonly purged: readonly Sha1[];
  readonly kept: readonly { readonly identity: Sha1; readonly reason: string }[];
}
