import type { Sha256, Uuid } from '../brands.js';
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
}

/** What `read-back` must find. Presence is by digest, absence by name. */
export interface ReadBack {
  readonly present?: readonly Placement[];
  readonly absent?: readonly Placement[];
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

const fenced = (step: NodeStep): NodeStep[] => [{ do: 'fence' }, step];

/** Writes all that `to` needs, reads it back, and only then accepts it: a manifest is never accepted before it is whole. */
export function stageSteps(to: ManifestFiles): NodeStep[] {
  return [
    ...to.placements.flatMap((placement) => fenced({ do: 'put-profile', placement })),
    ...fenced({ do: 'put-manifest', manifest: to.manifest }),
    { do: 'read-back', expect: { present: to.placements, manifestsPresent: [to.manifest] } },
    ...fenced({ do: 'accept', manifest: to.manifest }),
  ];
}

/**
 * Makes a manifest the active one: what it needs is read back first, the active file afterwards. It is accepted on the way, which changes
 * nothing but where a restore was cut off between the files and their acceptance: what is active is always accepted.
 */
export function activateSteps(target: ManifestFiles): NodeStep[] {
  return [
    { do: 'read-back', expect: { present: target.placements, manifestsPresent: [target.manifest] } },
    ...fenced({ do: 'accept', manifest: target.manifest }),
    ...fenced({ do: 'activate', manifest: target.manifest }),
    { do: 'read-back', expect: { active: target.manifest } },
  ];
}

/**
 * Takes a manifest out of service (`retire`: `from`; `unstage`: `to`): un-accepts it first, so that it is never required
 * while its files go, then moves what no kept manifest names. Never while it is active.
 */
export function removeSteps(gone: ManifestFiles, kept: readonly ManifestFiles[]): NodeStep[] {
  const placements = without(gone.placements, kept);
  return [
    {
      do: 'read-back',
      expect: { present: kept.flatMap((files) => files.placements), manifestsPresent: kept.map((files) => files.manifest) },
    },
    ...fenced({ do: 'un-accept', manifest: gone.manifest }),
    ...placements.flatMap((placement) => fenced({ do: 'quarantine-profile', placement })),
    ...fenced({ do: 'quarantine-manifest', manifest: gone.manifest }),
    { do: 'read-back', expect: { absent: placements, manifestsAbsent: [gone.manifest] } },
  ];
}

/** Brings a retired manifest back (from quarantine, else from the store, by digest) and accepts it again. The steps are those of staging. */
export const restoreSteps = stageSteps;
