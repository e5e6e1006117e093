import type { LineName } from '../../src/domain/brands.js';
import { routesOf } from '../../src/domain/node/routes.js';
import type { NodeDeclaration } from '../../src/domain/topology.js';
import type { AsOfNow } from '../../workflows/node-request.js';
import type { StoreContext } from '../manifest-store/contract.js';
import { situationOf, type Surroundings } from './surroundings.js';

/** The configuration of the moment, frozen into the line's store, for orders to these nodes that belong to no rotation. */
export async function asOfNow(
  around: Surroundings,
  line: LineName,
  nodes: readonly NodeDeclaration[],
  context: StoreContext,
): Promise<AsOfNow> {
  const { store, configuration } = situationOf(around, line);
  return {
    topology: await store.putFrozen(configuration.topology, context),
    policyDigest: await store.putFrozen(configuration.policy, context),
    routes: routesOf(nodes, configuration.reseal),
    limits: configuration.policy.limits,
  };
}
