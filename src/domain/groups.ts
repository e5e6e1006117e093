import type { Duration, Instant, Sha1 } from './brands.js';
import type { Manifest, ManifestEntry, Method } from './manifest.js';
import type { Policy } from './policy.js';
import { isSameSerial } from './serial.js';

/** Entries that are replaced together: one app's host and extensions for one method, or all that sign with a dying certificate. */
export interface Group {
  readonly name: string;
  readonly entries: readonly ManifestEntry[];
  /** What makes it due: the earliest expiry among its profiles and their identities. */
  readonly expiresAt: Instant;
}

/** The window of a method: how long before expiry its successor is put in place. */
export function windowOf(method: Method, policy: Pick<Policy, 'window'>): Duration {
  switch (method) {
    case 'app-store':
      return policy.window.appStore;
    case 'development':
      return policy.window.development;
    case 'ad-hoc':
      return policy.window.adHoc;
    case 'enterprise':
      return policy.window.enterprise;
  }
}

const certificateExpiry = (manifest: Manifest, identity: Sha1): Instant => {
  const certificate = manifest.certificates[identity];
  return certificate === undefined ? Number.POSITIVE_INFINITY : Date.parse(certificate.expiresAt);
};

/** The earlier of a profile's and its identity's expiry. */
export const entryExpiry = (manifest: Manifest, entry: ManifestEntry): Instant =>
  Math.min(Date.parse(entry.profile.expiresAt), certificateExpiry(manifest, entry.identity));

const groupName = (entry: ManifestEntry): string =>
  [entry.app, entry.method, entry.variant, entry.holder].filter((part) => part !== undefined).join(' ');

/** A manifest's groups by app, method, variant and holder. */
export function groupsOf(manifest: Manifest): readonly Group[] {
  const byName = new Map<string, ManifestEntry[]>();
  for (const entry of manifest.profiles) byName.set(groupName(entry), [...(byName.get(groupName(entry)) ?? []), entry]);
  return [...byName].map(([name, entries]) => ({
    name,
    entries,
    expiresAt: Math.min(...entries.map((entry) => entryExpiry(manifest, entry))),
  }));
}

export interface Due {
  readonly groups: readonly Group[];
  readonly entries: readonly ManifestEntry[];
  /** Earliest expiry of all that is due; null where nothing is. */
  readonly expiresFirst: Instant | null;
  /** Certificates that die within the window themselves: every entry that signs with one is due. */
  readonly dyingCertificates: readonly Sha1[];
}

/**
 * What a rotation that starts at `now` (the line's clock) replaces: every group due within its window and, when there is one,
 * every group due within `scan.lookAhead` after it; with a dying certificate, all entries of that identity.
 */
export function dueAt(manifest: Manifest, policy: Policy, now: Instant): Due {
  const groups = groupsOf(manifest);
  const isDue = (entry: ManifestEntry, ahead: Duration): boolean =>
    entryExpiry(manifest, entry) <= now + windowOf(entry.method, policy) + ahead;
  const strictly = groups.filter((group) => group.entries.some((entry) => isDue(entry, 0)));
  if (strictly.length === 0) return { groups: [], entries: [], expiresFirst: null, dyingCertificates: [] };
  const ahead = groups.filter((group) => group.entries.some((entry) => isDue(entry, policy.scan.lookAhead)));
  const dying = [
    ...new Set(
      ahead
        .flatMap((group) => group.entries)
        .filter((entry) => certificateExpiry(manifest, entry.identity) <= now + windowOf(entry.method, policy) + policy.scan.lookAhead)
        .map((entry) => entry.identity),
    ),
  ];
  // A certificate's entries drag their groups along: an app never mixes what has moved with what has not.
  const all = groups.filter((group) => ahead.includes(group) || group.entries.some((entry) => dying.includes(entry.identity)));
  const entries = all.flatMap((group) => group.entries);
  return { groups: all, entries, expiresFirst: Math.min(...all.map((group) => group.expiresAt)), dyingCertificates: dying };
}

/** What an emergency replaces: exactly the entries that sign with the revoked certificate, whatever the calendar says. */
export function dueByRevocation(manifest: Manifest, serial: string): Due {
  const revoked = (Object.keys(manifest.certificates) as Sha1[]).filter((sha1) =>
    isSameSerial(manifest.certificates[sha1]?.serial ?? '', serial),
  );
  const entries = manifest.profiles.filter((entry) => revoked.includes(entry.identity));
  return {
    groups: groupsOf({ ...manifest, profiles: entries }),
    entries,
    expiresFirst: entries.length === 0 ? null : horizonOf(manifest, entries),
    dyingCertificates: revoked,
  };
}

/** Until when the entries' old assets can sign: the rollback horizon. */
export const horizonOf = (manifest: Manifest, entries: readonly ManifestEntry[]): Instant =>
  Math.min(...entries.map((entry) => entryExpiry(manifest, entry)));
