import { ResealError } from '../../src/domain/errors.js';
import { entryKey } from '../../src/domain/manifest-rules.js';
import type { RotationState } from '../../src/domain/rotation/state.js';
import type { Succession } from '../profile-source/contract.js';
import { manifestOf, situationOf, type Surroundings } from './surroundings.js';

/**
 * Tells sources that others read of the successors of a completed rotation. Not before: whoever reads them would otherwise have what the mesh has yet to
 * prove. A source that cannot take them keeps no rotation open.
 * @returns a sentence for each source that has not taken them
 */
export async function writeBackSuccessors(around: Surroundings, state: RotationState): Promise<readonly string[]> {
  const { plan } = state;
  if (state.phase !== 'completed' || plan === null) return [];
  const { declaration, store } = situationOf(around, state.line);
  const takers = declaration.sources.map((name) => around.source(name)).filter((source) => source.writeBack !== undefined);
  if (takers.length === 0) return [];
  const [from, to] = await Promise.all([manifestOf(store, plan.from), manifestOf(store, plan.to)]);
  const before = new Map(from.profiles.map((entry) => [entryKey(entry), entry]));
  const successions: Succession[] = [];
  for (const entry of to.profiles) {
    const predecessor = before.get(entryKey(entry));
    // match has one profile for a bundle id, whoever holds it.
    if (
      predecessor === undefined ||
      predecessor.profile.sha256 === entry.profile.sha256 ||
      entry.holder !== undefined ||
      entry.variant !== undefined
    )
      continue;
    successions.push({ bytes: await store.profile(entry.profile.sha256), predecessor });
  }
  const notTaken: string[] = [];
  for (const source of takers) {
    try {
      await source.writeBack?.(successions, { rotation: state.id, ticket: state.trigger.ticket });
    } catch (error) {
      if (!(error instanceof ResealError)) throw error;
      notTaken.push(`${error.message} The successors of ${state.id} are not in it: put them there with fastlane match import.`);
    }
  }
  return notTaken;
}
