import type { LineName, NodeName, Sha256 } from '../brands.js';
import type { NodeOutcome, NodeReport } from './report.js';

/** What a restore is at, in its order. */
export type RestoreTask = 'inspect' | 'stage' | 'switch' | 'retire';

/** A manifest that is not in force, and that the node keeps all the same. */
export interface KeptManifest {
  readonly manifest: Sha256;
  /** A sentence. */
  readonly reason: string;
}

/** How a node came back to what is in force on a line. */
export interface RestoreResult {
  readonly node: NodeName;
  readonly line: LineName;
  /** In force on the line when the restore began. */
  readonly manifest: Sha256;
  /** What was active before; null where nothing was, or where the node did not say. */
  readonly before: Sha256 | null;
  /** What is active now, as far as is known. */
  readonly active: Sha256 | null;
  /** `done`: the manifest in force is active, and probes have passed in a row. Otherwise of the task that `at` names. */
  readonly outcome: NodeOutcome;
  readonly at: RestoreTask;
  /** A sentence; empty when done. */
  readonly reason: string;
  /** Manifests that were taken out of service: their files lie in quarantine. */
  readonly retired: readonly Sha256[];
  readonly kept: readonly KeptManifest[];
}

/** What a node goes back to where its probes fail on the manifest in force: what it served, if that is whole there; null: nothing. */
export const fallbackOf = ({ active, accepted }: Pick<NodeReport, 'active' | 'accepted'>, inForce: Sha256): Sha256 | null =>
  active !== null && active !== inForce && accepted.includes(active) ? active : null;

/** What a node accepts or serves beside the manifest in force, and has to let go. */
export const supersededOn = ({ active, accepted }: Pick<NodeReport, 'active' | 'accepted'>, inForce: Sha256): readonly Sha256[] =>
  [...new Set([...accepted, ...(active === null ? [] : [active])])].filter((digest) => digest !== inForce);
