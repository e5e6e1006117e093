import { proxyLocalActivities } from '@temporalio/workflow';
import type { NodeActivities } from '../activities/node/contract.js';
import type { OrderActivities } from '../activities/orders/contract.js';
import { eachOperation } from '../src/domain/node/each-operation.js';
import type { Handout } from '../src/domain/node/routes.js';

/** Local: the key is on the workers of the installation, and signing takes a fraction of a millisecond. */
const { signOrder } = proxyLocalActivities<OrderActivities>({ startToCloseTimeout: '10s' });

/** Node operations whose orders the installation signs, where it signs those to who serves the node. */
export function signedByInstallation(nodes: NodeActivities, handout: Handout | null): NodeActivities {
  if (handout === null || handout.orders === 'plain') return nodes;
  return eachOperation(
    nodes,
    (operation, operate) => async (order: object) => operate({ ...order, signature: await signOrder({ operation, order }) }),
  );
}
