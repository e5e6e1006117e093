import type { NodeOperationName } from '../../src/domain/node/each-operation.js';

export interface OrderToSign {
  /** Name of the activity that is asked for. */
  readonly operation: NodeOperationName;
  /** Everything that it is given. */
  readonly order: object;
}

/** Run as a local activity, by the workers of the installation, which alone have its key. */
export interface OrderActivities {
  /** SSHSIG, armored, over the canonical form of `orderStatement`. Fails with IDENTITY_UNAVAILABLE where the key cannot be had. */
  signOrder(asked: OrderToSign): Promise<string>;
}
