import type { NodeName, Sha256 } from '../../src/domain/brands.js';
import type { NodeOrder } from '../../src/domain/node/order.js';
import type { ExportedIdentity, ExportWarrant } from '../../src/domain/exports/export.js';
import type { PurgeResult } from '../../src/domain/node/purge.js';
import type { NodeReport, NodeResult } from '../../src/domain/node/report.js';

export interface InspectionOrder extends NodeOrder {
  readonly manifest: Sha256;
  /** A manifest that is to come into force: keys of it that are not on nodes are looked for too. */
  readonly next?: Sha256;
  readonly everyCheck?: boolean;
}

/**
 * What can be asked of a node. All are idempotent, begin with node truth, and end by reading back what they wrote.
 *
 * A decided outcome is returned. Thrown, as ApplicationFailure of that type: `NODE_UNREACHABLE` (retryable),
 * `NODE_WRITE_FAILED` (retryable: disk full, folder not writable), `STALE_EPOCH`, `ORDER_EXPIRED`, `CLOCK_SKEW` (not retryable),
 * `READ_BACK_FAILED` (retryable). `DIGEST_MISMATCH` (not retryable): the store's bytes are not what their name says.
 */
export interface NodeActivities {
  /** Node truth against the manifest that should be active. Changes nothing, needs no fence. */
  inspectNode(order: InspectionOrder): Promise<NodeReport>;
  stageNode(order: NodeOrder & { readonly to: Sha256 }): Promise<NodeResult>;
  /**
   * Activates `target`, then probes until the policy's consecutive passes or a failure. On failure (or when inconclusive
   * too long) and with `revertTo` given, the node returns to that manifest at once, by itself; the result says so in `active`.
   */
  switchNode(
    order: NodeOrder & {
      readonly target: Sha256;
      readonly revertTo: Sha256 | null;
      /** Nobody has approved `target` yet: it is what the canary is for. */
      readonly canary?: true;
    },
  ): Promise<NodeResult>;
  /** `pinned` where a build on the node holds `old`, and all is left as it is; with `pins: ignore` it goes all the same. */
  retireNode(order: NodeOrder & { readonly old: Sha256; readonly keep: Sha256; readonly pins?: 'ignore' }): Promise<NodeResult>;
  restoreNode(order: NodeOrder & { readonly manifest: Sha256 }): Promise<NodeResult>;
  unstageNode(order: NodeOrder & { readonly remove: Sha256; readonly keep: Sha256; readonly pins?: 'ignore' }): Promise<NodeResult>;
  /** Destroys keychains that reseal made and no rollback can need any more. No order of a rotation: it needs no fence, and disturbs none. */
  purgeNode(order: NodeOrder & { readonly ticket: string }): Promise<PurgeResult>;
  /**
   * Takes an identity out of the node's keychain, sealed to its receiver. Only against the request of a person and the approvals of others, which whoever
   * serves the node judges by the roster that it has itself. `rotation` is the request's id. @returns what no one alone can open
   */
  exportIdentity(order: NodeOrder & { readonly warrant: ExportWarrant; readonly oneTime: string }): Promise<ExportedIdentity>;
  /** Soak: probes many nodes in one activity (at most `limits.stepNodes`); an unreachable node is an outcome here. */
  probeNodes(
    order: Omit<NodeOrder, 'node'> & { readonly nodes: readonly NodeName[]; readonly manifest: Sha256 },
  ): Promise<readonly NodeResult[]>;
}
