import type { LineName, NodeName, Sha256 } from '../src/domain/brands.js';
import type { Asking } from '../src/domain/mandate.js';
import type { Routes } from '../src/domain/node/routes.js';
import type { Policy } from '../src/domain/policy.js';

/** What an order to nodes goes by that belongs to no rotation: the configuration of the moment, frozen. */
export interface AsOfNow {
  readonly topology: Sha256;
  readonly policyDigest: Sha256;
  /** Of the nodes that are asked. */
  readonly routes: Routes;
  readonly limits: Pick<Policy['limits'], 'nodeOperationTimeout' | 'nodeOfflineAfter'>;
}

/** What a person asks of one node. */
export interface NodeRequest extends AsOfNow {
  readonly node: NodeName;
  readonly line: LineName;
  readonly by: string;
  readonly ticket: string;
}

/** The same before anybody has judged it: what else it goes by, the worker finds out itself. */
export interface AskedNode extends Asking {
  readonly node: NodeName;
}

/** What one node is restored by. */
export interface NodeRestoreInput extends NodeRequest {
  /** In force on the line. */
  readonly manifest: Sha256;
  /** Allotted by the line's store as for a rotation: newer than every order of the rotations before, older than of those to come. */
  readonly number: number;
}
