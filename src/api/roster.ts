import { randomUUID } from 'node:crypto';
import { mustBeAdoptable } from '../../activities/roster/judge.js';
import { rostersIn, storesOfLines } from '../../activities/roster/kept.js';
import type { RosterAdopted } from '../../activities/roster/contract.js';
import { authorityOf } from '../../activities/rotation/surroundings.js';
import { readAdoption, rosterStanding, type SignedAdoption } from '../domain/adopted-rosters.js';
import type { LineName } from '../domain/brands.js';
import { ResealError } from '../domain/errors.js';
import { rosterView, type RosterView } from '../presenters/roster.js';
import { adoptedRosters, keptRosters } from '../statement/adopted-rosters.js';
import { canonicalDigest } from '../statement/person.js';
import { refusalOf } from './errors.js';
import type { RotationDesk } from './rotations.js';

/** @throws ResealError STORE_UNREACHABLE, REFUSED */
export async function showRoster({ around }: RotationDesk): Promise<RosterView> {
  const configuration = around.configuration();
  const { roster, topology, policy } = configuration;
  const { installation } = topology;
  const stores = await storesOfLines(around, configuration);
  const kept = await rostersIn(stores, installation);
  const { steps } = adoptedRosters(kept, installation);
  const lagging: string[] = [];
  for (const [name, store] of stores)
    if (canonicalDigest(keptRosters(await store.rosters(installation), installation)) !== canonicalDigest(kept)) lagging.push(name);
  const digest = canonicalDigest(roster);
  const lines = Object.keys(topology.lines) as LineName[];
  return rosterView(
    {
      ...{ installation, digest, roster, lagging, approvals: policy.gate.approvals },
      demandedBy: lines.filter((line) => authorityOf(configuration, line, 0).assurance === 'signature'),
      standing: rosterStanding(steps, digest, Date.now()),
      newest: kept.steps.at(-1)?.adoptions.at(-1) ?? null,
    },
    steps,
  );
}

/**
 * Takes a person's signed adoption of the roster into the stores of all lines.
 * @throws ResealError STATEMENT_REFUSED, SIGNATURE_REFUSED, WRONG_TICKET, ALREADY_DECIDED, STORE_UNREACHABLE, REFUSED
 */
export async function adoptRoster(
  desk: RotationDesk,
  given: { readonly statement: unknown; readonly signature: string },
): Promise<RosterAdopted> {
  const read = readAdoption(given.statement);
  if (read.kind === 'none') throw new ResealError('STATEMENT_REFUSED', `No statement can be read here: ${read.reason}.`);
  const signed: SignedAdoption = { statement: read.adoption, signature: given.signature };
  const configuration = desk.around.configuration();
  const stores = await storesOfLines(desk.around, configuration);
  mustBeAdoptable(configuration, await rostersIn(stores, configuration.topology.installation), signed, Date.now());
  const { person, ticket, number } = read.adoption;
  return (await desk.client.workflow
    .execute('rosterAdoption', {
      workflowId: `roster/${number}/${randomUUID().slice(0, 8)}`,
      taskQueue: desk.taskQueue,
      args: [signed],
      staticSummary: `adopts roster ${number} (${person}, ${ticket})`,
    })
    .catch((error: unknown) => {
      throw refusalOf(error);
    })) as RosterAdopted;
}
