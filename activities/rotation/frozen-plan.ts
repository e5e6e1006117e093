import type { Configuration } from '../../src/configuration/load.js';
import { ResealError } from '../../src/domain/errors.js';
import type { CohortPlan } from '../../src/domain/rotation/cohorts.js';
import type { Plan } from '../../src/domain/rotation/state.js';
import type { ManifestStore, StoreContext, StoreItem } from '../manifest-store/contract.js';

/** Writes what a plan refers to by digest, and `more` with it, in one change of the store. */
export async function freezePlan(
  store: ManifestStore,
  { topology, policy }: Configuration,
  waves: CohortPlan,
  context: StoreContext,
  more: readonly StoreItem[] = [],
): Promise<Pick<Plan, 'topology' | 'policyDigest' | 'cohorts'>> {
  const documents = [topology, policy, { waves }].map((document): StoreItem => ({ kind: 'frozen', document }));
  const [frozenTopology, policyDigest, cohorts] = await store.putMany([...documents, ...more], context);
  if (frozenTopology === undefined || policyDigest === undefined || cohorts === undefined)
    throw new ResealError('INTERNAL', 'Three documents were frozen, and fewer digests came back.');
  return { topology: frozenTopology, policyDigest, cohorts };
}
