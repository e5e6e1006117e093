import type { Sha1 } from './brands.js';
import { ResealError } from './errors.js';
import type { Manifest, ManifestCertificate, ManifestEntry, ManifestProfile } from './manifest.js';
import { entryKey } from './manifest-rules.js';

export interface EntryChange {
  readonly key: string;
  readonly before: ManifestEntry;
  readonly after: ManifestEntry;
  /** The fields that differ, as `profile.uuid`. */
  readonly fields: readonly string[];
}

export interface ManifestDifference {
  readonly added: readonly ManifestEntry[];
  readonly removed: readonly ManifestEntry[];
  readonly changed: readonly EntryChange[];
  readonly certificatesAdded: readonly Sha1[];
  readonly certificatesRemoved: readonly Sha1[];
}

/** What replaces one entry's assets. */
export interface Replacement {
  /** `entryKey` of the entry of `from`. */
  readonly key: string;
  readonly identity: Sha1;
  readonly profile: ManifestProfile;
}

export interface Reverted {
  readonly manifest: Manifest;
  /** Keys whose assets went back to `from`'s. */
  readonly reverted: readonly string[];
  /** Keys of this rotation that somebody has changed or removed since; they stay as they are in the head. */
  readonly kept: readonly string[];
}

const byKey = (manifest: Manifest): ReadonlyMap<string, ManifestEntry> =>
  new Map(manifest.profiles.map((entry) => [entryKey(entry), entry]));
const certificatesOf = (manifest: Manifest): Sha1[] => Object.keys(manifest.certificates) as Sha1[];

/** From `a` to `b`, by key; an empty difference means equal content, whatever the order of entries. */
export function diffManifests(a: Manifest, b: Manifest): ManifestDifference {
  const before = byKey(a);
  const after = byKey(b);
  return {
    added: b.profiles.filter((entry) => !before.has(entryKey(entry))),
    removed: a.profiles.filter((entry) => !after.has(entryKey(entry))),
    changed: a.profiles.flatMap((entry): EntryChange[] => {
      const other = after.get(entryKey(entry));
      const fields = other === undefined ? [] : differingFields(entry, other);
      return other === undefined || fields.length === 0 ? [] : [{ key: entryKey(entry), before: entry, after: other, fields }];
    }),
    certificatesAdded: certificatesOf(b).filter((sha1) => !(sha1 in a.certificates)),
    certificatesRemoved: certificatesOf(a).filter((sha1) => !(sha1 in b.certificates)),
  };
}

function differingFields(a: ManifestEntry, b: ManifestEntry): string[] {
  const fields = (x: object, y: object, prefix: string): string[] => {
    const left = new Map(Object.entries(x));
    const right = new Map(Object.entries(y));
    const names = [...new Set([...left.keys(), ...right.keys()])].sort();
    return names.filter((name) => JSON.stringify(left.get(name)) !== JSON.stringify(right.get(name))).map((name) => prefix + name);
  };
  return [...fields({ ...a, profile: null }, { ...b, profile: null }, ''), ...fields(a.profile, b.profile, 'profile.')];
}

const sameAssets = (a: ManifestEntry, b: ManifestEntry): boolean =>
  differingFields(a, { ...a, identity: b.identity, profile: b.profile }).length === 0;

/** A manifest of these entries with those of the known certificates that an entry still names. */
function withEntries(base: Manifest, profiles: readonly ManifestEntry[], known: Readonly<Record<Sha1, ManifestCertificate>>): Manifest {
  const named = new Set<string>(profiles.flatMap((entry) => [entry.identity, ...entry.profile.certificates]));
  const certificates = Object.fromEntries(Object.entries(known).filter(([sha1]) => named.has(sha1))) as Record<Sha1, ManifestCertificate>;
  return { ...base, certificates, profiles };
}

/**
 * `to`: `from` with the profile and identity of every replaced entry exchanged, and nothing else; certificates that no entry names any
 * more are dropped. `certificates` describes what the successors embed and `from` does not know.
 * @throws ResealError NOT_FOUND for a key that `from` does not have, MANIFEST_INVALID for one that is replaced twice.
 */
export function composeTo(
  from: Manifest,
  replacements: readonly Replacement[],
  certificates: Readonly<Record<Sha1, ManifestCertificate>> = {},
): Manifest {
  const wanted = new Map<string, Replacement>();
  const present = byKey(from);
  for (const replacement of replacements) {
    if (!present.has(replacement.key)) {
      throw new ResealError(
        'NOT_FOUND',
        `The manifest of ${from.line} has no entry ${replacement.key}; it has ${[...present.keys()].join(', ') || 'none'}.`,
      );
    }
    if (wanted.has(replacement.key)) {
      throw new ResealError(
        'MANIFEST_INVALID',
        `The entry ${replacement.key} is replaced twice, by ${wanted.get(replacement.key)?.profile.uuid ?? ''} and by ${replacement.profile.uuid}; choose one.`,
      );
    }
    wanted.set(replacement.key, replacement);
  }
  const profiles = from.profiles.map((entry) => {
    const replacement = wanted.get(entryKey(entry));
    return replacement === undefined ? entry : { ...entry, identity: replacement.identity, profile: replacement.profile };
  });
  return withEntries(from, profiles, { ...certificates, ...from.certificates });
}

/**
 * The head with one rotation's entries back on `from`'s assets. An entry is this rotation's where `from` and `to` differ in it; it goes
 * back only while the head still has `to`'s assets there, and keeps what other people changed beside them (targets, say).
 */
export function revertEntries(head: Manifest, from: Manifest, to: Manifest): Reverted {
  const before = byKey(from);
  const after = byKey(to);
  const ours = [...before].filter(([key, entry]) => {
    const other = after.get(key);
    return other !== undefined && !sameAssets(entry, other);
  });
  const present = byKey(head);
  const back = new Map<string, ManifestEntry>();
  const kept: string[] = [];
  for (const [key, entry] of ours) {
    const now = present.get(key);
    const moved = after.get(key);
    if (now !== undefined && moved !== undefined && sameAssets(now, moved)) back.set(key, entry);
    else kept.push(key);
  }
  const profiles = head.profiles.map((entry) => {
    const old = back.get(entryKey(entry));
    return old === undefined ? entry : { ...entry, identity: old.identity, profile: old.profile };
  });
  return { manifest: withEntries(head, profiles, { ...from.certificates, ...head.certificates }), reverted: [...back.keys()], kept };
}
