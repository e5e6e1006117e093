import type { Sha1, Sha256, Uuid } from '../brands.js';
import type { ProfileFolder } from '../topology.js';

/** One profile file where Xcode reads it. */
export interface Placement {
  readonly folder: ProfileFolder;
  /** `<uuid>.mobileprovision` */
  readonly fileName: string;
  readonly uuid: Uuid;
  readonly sha256: Sha256;
}

/** What one manifest needs on one node; `expected(node)` as files. */
export interface ManifestFiles {
  readonly manifest: Sha256;
  readonly placements: readonly Placement[];
  /** Signed with on this node, so that they have to be in its keychains; none on a node that may hold no keys. */
  readonly identities: readonly Sha1[];
}

/** What `read-back` must find. Presence is by digest, absence by name; of an identity by its certificate, on the search list. */
export interface ReadBack {
  readonly present?: readonly Placement[];
  readonly absent?: readonly Placement[];
  readonly identitiesPresent?: readonly Sha1[];
  readonly identitiesAbsent?: readonly Sha1[];
  readonly manifestsPresent?: readonly Sha256[];
  readonly manifestsAbsent?: readonly Sha256[];
  readonly active?: Sha256;
}

/**
 * One step of a node operation. Real nodes and the explored model both execute these, in order; a step is idempotent and
 * may be cut off at any point. `fence` re-checks epoch and `notAfter` under the node's lock, and that lock is held until
 * the step after it is done: `fence` comes right before every step that changes what a build or another order reads.
 */
export type NodeStep =
  | { readonly do: 'fence' }
  | { readonly do: 'put-profile'; readonly placement: Placement }
  /** Into a keychain of its own on the search list; nothing happens where any keychain of the list holds it. */
  | { readonly do: 'put-identity'; readonly identity: Sha1 }
  /** Unlocks the keychain that holds it, inside the line's unlock windows, where reseal is given the password. */
  | { readonly do: 'unlock-identity'; readonly identity: Sha1 }
  /** Takes the identity's own keychain off the search list and locks it, since the manifest `gone` is retired. One in a keychain that reseal did not make stays. */
  | { readonly do: 'shelve-identity'; readonly identity: Sha1; readonly gone: Sha256 }
  | { readonly do: 'put-manifest'; readonly manifest: Sha256 }
  | { readonly do: 'accept'; readonly manifest: Sha256 }
  | { readonly do: 'un-accept'; readonly manifest: Sha256 }
  | { readonly do: 'activate'; readonly manifest: Sha256 }
  /** Moves a profile into `quarantine/<rotation>/`; nothing happens where it is gone already. */
  | { readonly do: 'quarantine-profile'; readonly placement: Placement }
  /** Moves a manifest and its rendered settings into quarantine. */
  | { readonly do: 'quarantine-manifest'; readonly manifest: Sha256 }
  | { readonly do: 'read-back'; readonly expect: ReadBack };

/** The same place and bytes. */
const samePlacement = (a: Placement, b: Placement): boolean => a.folder === b.folder && a.fileName === b.fileName;

function without(all: readonly Placement[], kept: readonly ManifestFiles[]): Placement[] {
  return all.filter((one) => !kept.some((files) => files.placements.some((other) => samePlacement(one, other))));
}

/** Identities of which no kept manifest signs anything here. */
const identitiesWithout = (all: readonly Sha1[], kept: readonly ManifestFiles[]): Sha1[] =>
  all.filter((one) => !kept.some((files) => files.identities.includes(one)));

const fenced = (step: NodeStep): NodeStep[] => [{ do: 'fence' }, step];

/** Brings what a manifest signs with, apart from its files. */
export const identitySteps = (files: ManifestFiles): NodeStep[] =>
  files.identities.flatMap((identity) => fenced({ do: 'put-identity', identity }));

/** Opens what a manifest signs with, apart from making it the active one. */
export const unlockSteps = (target: ManifestFiles): NodeStep[] =>
  target.identities.flatMap((identity) => fenced({ do: 'unlock-identity', identity }));

/** Writes all that `to` needs, reads it back, and only then accepts it: a manifest is never accepted before it is whole. */
export function stageSteps(to: ManifestFiles): NodeStep[] {
  return [
    ...to.placements.flatMap((placement) => fenced({ do: 'put-profile', placement })),
    ...identitySteps(to),
    ...fenced({ do: 'put-manifest', manifest: to.manifest }),
    { do: 'read-back', expect: { present: to.placements, identitiesPresent: to.identities, manifestsPresent: [to.manifest] } },
    ...fenced({ do: 'accept', manifest: to.manifest }),
  ];
}

/**
 * Makes a manifest the active one: what it needs is read back first, the active file afterwards. It is accepted on the way, which changes
 * nothing but where a restore was cut off between the files and their acceptance: what is active is always accepted.
 */
export function activateSteps(target: ManifestFiles): NodeStep[] {
  return [
    {
      do: 'read-back',
      expect: { present: target.placements, identitiesPresent: target.identities, manifestsPresent: [target.manifest] },
    },
    ...fenced({ do: 'accept', manifest: target.manifest }),
    ...unlockSteps(target),
    ...fenced({ do: 'activate', manifest: target.manifest }),
    { do: 'read-back', expect: { active: target.manifest } },
  ];
}

/**
 * Takes a manifest out of service (`retire`: `from`; `unstage`: `to`): un-accepts it first, so that it is never required
 * while its files go, then moves what no kept manifest names, and shelves the identities that none signs with. Never while it is active.
 */
export function removeSteps(gone: ManifestFiles, kept: readonly ManifestFiles[]): NodeStep[] {
  const placements = without(gone.placements, kept);
  const identities = identitiesWithout(gone.identities, kept);
  return [
    {
      do: 'read-back',
      expect: {
        present: kept.flatMap((files) => files.placements),
        identitiesPresent: [...new Set(kept.flatMap((files) => files.identities))],
        manifestsPresent: kept.map((files) => files.manifest),
      },
    },
    ...fenced({ do: 'un-accept', manifest: gone.manifest }),
    ...placements.flatMap((placement) => fenced({ do: 'quarantine-profile', placement })),
    ...identities.flatMap((identity) => fenced({ do: 'shelve-identity', identity, gone: gone.manifest })),
    ...fenced({ do: 'quarantine-manifest', manifest: gone.manifest }),
    { do: 'read-back', expect: { absent: placements, identitiesAbsent: identities, manifestsAbsent: [gone.manifest] } },
  ];
}

/** Brings a retired manifest back (from quarantine, else from the store, by digest) and accepts it again. The steps are those of staging. */
export const restoreSteps = stageSteps;
