import { rosterStanding, type RosterStanding } from '../../src/domain/adopted-rosters.js';
import type { LineName } from '../../src/domain/brands.js';
import type { Authority } from '../../src/domain/rotation/state.js';
import { adoptedRosters } from '../../src/statement/adopted-rosters.js';
import { canonicalDigest } from '../../src/statement/person.js';
import { situationOf, type Surroundings } from '../rotation/surroundings.js';

/** How the roster of now stands with what people have adopted, by the line's own store. @throws ResealError STORE_UNREACHABLE */
export async function rosterStandingOn(around: Surroundings, line: LineName): Promise<RosterStanding> {
  const { configuration, store } = situationOf(around, line);
  const { installation } = configuration.topology;
  const { steps } = adoptedRosters(await store.rosters(installation), installation);
  return rosterStanding(steps, canonicalDigest(configuration.roster), around.clock());
}

/** Why nothing passes a gate with this roster, in words that end a sentence; null: it may. Where names count, somebody has to have adopted a roster before one is asked for. */
export function notAdopted(standing: RosterStanding, assurance: Authority['assurance']): string | null {
  if (standing.kind === 'adopted' || (standing.kind === 'never' && assurance === 'name')) return null;
  return `ROSTER_NOT_ADOPTED: ${standing.reason}; adopt roster.yaml: reseal roster adopt --as PERSON --ticket TICKET`;
}
