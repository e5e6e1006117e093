import type { Configuration } from '../../src/configuration/load.js';
import { ResealError } from '../../src/domain/errors.js';
import { routesOf, type Routes } from '../../src/domain/node/routes.js';
import type { CohortPlan } from '../../src/domain/rotation/cohorts.js';
import type { Plan } from '../../src/domain/rotation/state.js';
import type { ManifestStore, StoreContext, StoreItem } from '../manifest-store/contract.js';

/** What `Plan.cohorts` names: who goes when, and who serves whom. */
export interface FrozenCohorts {
  readonly waves: CohortPlan;
  readonly routes: Routes;
}

/** Writes what a plan refers to by digest, and `more` with it, in one change of the store. */
export async function freezePlan(
  store: ManifestStore,
  { topology, policy, reseal }: Configuration,
  waves: CohortPlan,
  context: StoreContext,
  more: readonly StoreItem[] = [],
): Promise<Pick<Plan, 'topology' | 'policyDigest' | 'cohorts'>> {
  const ofPlan = new Set(waves.flat());
  const cohortPlan: FrozenCohorts = {
    waves,
    routes: routesOf(
      topology.nodes.filter((node) => ofPlan.has(node.name)),
      reseal,
    ),
  };
  const documents = [topology, policy, cohortPlan].map((document): StoreItem => ({ kind: 'frozen', document }));
  const [frozenTopology, policyDigest, cohorts] = await store.putMany([...documents, ...more], context);
  if (frozenTopology === undefined || policyDigest === undefined || cohorts === undefined)
    throw new ResealError('INTERNAL', 'Three documents were frozen, and fewer digests came back.');
  return { topology: frozenTopology, policyDigest, cohorts };
}
