import { ApplicationFailure } from '@temporalio/common';
import { eachOperation } from '../../src/domain/node/each-operation.js';
import { ResealError } from '../../src/domain/errors.js';
import { orderStatement } from '../../src/domain/node/order-signature.js';
import { orderSignature } from '../../src/statement/machine-key.js';
import type { NodeActivities } from './contract.js';

/**
 * Node operations that follow an order only where the installation signed it, once this machine has a key of it pinned.
 * @param pinnedOf public keys of the installation, read when they are needed; none: orders are followed as they come
 */
export function obeyingSignedOrders(nodes: NodeActivities, pinnedOf: () => Promise<readonly string[]>): NodeActivities {
  return eachOperation(nodes, (operation, operate) => async (order: { readonly node?: string; readonly signature?: unknown }) => {
    const pinned = await pinnedOf().catch((error: unknown) => {
      throw error instanceof ResealError ? ApplicationFailure.nonRetryable(error.message, error.code) : error;
    });
    const reason = pinned.length === 0 ? null : whyNot(operation, order, pinned);
    if (reason === null) return operate(order);
    throw ApplicationFailure.nonRetryable(
      `This machine follows orders of its installation alone, and this ${operation} ${reason}: nothing was touched. See who else may write to Temporal, and whether the key of reseal.yaml (reseal order-key show) is the one pinned here (reseal node enroll).`,
      'SIGNATURE_REFUSED',
    );
  });
}

/** Ends a sentence; null where it is the installation's. */
function whyNot(operation: string, order: { readonly signature?: unknown }, pinned: readonly string[]): string | null {
  const { signature } = order;
  if (typeof signature !== 'string') return 'is not signed';
  const standing = orderSignature(orderStatement(operation, order), signature, pinned);
  switch (standing.kind) {
    case 'declared':
      return null;
    case 'stranger':
      return `is signed by another key (${standing.fingerprint})`;
    case 'invalid':
      return `is not signed so that it counts: ${standing.reason}`;
  }
}
