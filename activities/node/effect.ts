import type { NodePath } from '../../src/node-shell/contract.js';

/** What a step has to do, as the node is now. */
export interface Effect {
  readonly subject: string;
  /** Folders that must be there first. */
  readonly folders: readonly NodePath[];
  /** Writes what is not visible yet. */
  prepare(): Promise<void>;
  /** The visible change; asks the fence right before every rename. */
  apply(): Promise<void>;
  /** Takes back what `prepare` wrote, unless `apply` used it. */
  discard(): Promise<void>;
  /** Folders whose renames must reach the disk before the next kind of step. */
  readonly touched: readonly NodePath[];
}
