import { rosterStanding, standsNotOn, type AdoptedRoster, type RosterStanding } from '../../src/domain/adopted-rosters.js';
import type { LineName, PersonId } from '../../src/domain/brands.js';
import { ResealError } from '../../src/domain/errors.js';
import type { RosterCommand } from '../../src/domain/roster.js';
import type { Authority } from '../../src/domain/rotation/state.js';
import { adoptedRosters } from '../../src/statement/adopted-rosters.js';
import { canonicalDigest, signedWith, type PersonStatement } from '../../src/statement/person.js';
import { situationOf, type Surroundings } from '../rotation/surroundings.js';

/** How the roster of now stands with what people have adopted, by the line's own store. @throws ResealError STORE_UNREACHABLE */
export async function rosterStandingOn(around: Surroundings, line: LineName): Promise<RosterStanding> {
  const { configuration } = situationOf(around, line);
  return rosterStanding(await adoptedOn(around, line), canonicalDigest(configuration.roster), around.clock());
}

/** The rosters that people have adopted, by the line's own store. @throws ResealError STORE_UNREACHABLE */
export async function adoptedOn(around: Pick<Surroundings, 'configuration' | 'store'>, line: LineName): Promise<readonly AdoptedRoster[]> {
  const { topology } = around.configuration();
  const { installation, lines } = topology;
  const declared = lines[line];
  if (declared === undefined) throw new ResealError('NOT_FOUND', `topology.yaml declares no line ${line}.`);
  const store = around.store(declared.store);
  return adoptedRosters(await store.rosters(installation), installation).steps;
}

/**
 * What lets something begin counts by the roster that people have adopted, where they have adopted one, and not by what somebody has written into roster.yaml
 * since. What brings something back is asked no such thing.
 * @throws ResealError NOT_ENTITLED, STORE_UNREACHABLE
 */
export async function mustStandOnAdopted(
  around: Surroundings,
  line: LineName,
  {
    by,
    right,
    statement,
    signature,
  }: { readonly by: PersonId; readonly right: RosterCommand; readonly statement: PersonStatement; readonly signature: string },
): Promise<void> {
  const signedBy = signedWith(statement, signature);
  const lacks = standsNotOn(await adoptedOn(around, line), { person: by, right, signedBy }, around.clock());
  if (lacks !== null)
    throw new ResealError(
      'NOT_ENTITLED',
      `What ${by} has signed does not count: ${lacks}. Adopt roster.yaml: reseal roster adopt --as PERSON --ticket TICKET.`,
    );
}

/** Why nothing passes a gate with this roster, in words that end a sentence; null: it may. Where names count, somebody has to have adopted a roster before one is asked for. */
export function notAdopted(standing: RosterStanding, assurance: Authority['assurance']): string | null {
  if (standing.kind === 'adopted' || (standing.kind === 'never' && assurance === 'name')) return null;
  return `ROSTER_NOT_ADOPTED: ${standing.reason}; adopt roster.yaml: reseal roster adopt --as PERSON --ticket TICKET`;
}
