import type { Configuration } from '../../src/configuration/load.js';
import type { Instant } from '../../src/domain/brands.js';
import { ResealError } from '../../src/domain/errors.js';
import { mayDo } from '../../src/domain/roster.js';
import { keysOf } from '../../src/domain/rotation/commands.js';
import { isForOther, untimely } from '../../src/domain/rotation/statement.js';
import type { Authority } from '../../src/domain/rotation/state.js';
import { readScheduleMandate, type ScheduleAsking, type ScheduleMandate } from '../../src/domain/schedule-mandate.js';
import { ticketRefusal } from '../../src/domain/tickets.js';
import { personSignature } from '../../src/statement/person.js';
import { mustBeSignedBy, mustCountByName } from '../approvals/judge.js';
import { keysOf as rosterKeys } from '../rotation/surroundings.js';

/** Whose word counts for the schedule of all lines: one node of any of them that is not simulated, and everybody signs. */
export function scheduleAuthority({ topology, roster }: Configuration, at: string | null): Authority {
  const simulated = topology.nodes.every(({ environment }) => environment === 'simulated');
  return {
    installation: topology.installation,
    mode: at === null ? 'production' : 'rehearsal',
    assurance: simulated ? 'name' : 'signature',
    keys: rosterKeys(roster),
  };
}

/**
 * Whether it is known who changes the schedule, and whether they may.
 * @returns the mandate; null where a name alone counts
 * @throws ResealError WRONG_TICKET, NOT_ENTITLED, SIGNATURE_NEEDED, SIGNATURE_REFUSED, STATEMENT_REFUSED
 */
export function mustBeScheduledBy(
  configuration: Configuration,
  { by, ticket, at, signed }: ScheduleAsking,
  now: Instant,
): ScheduleMandate | null {
  const { roster, policy, topology } = configuration;
  const wrong = ticketRefusal(ticket, policy);
  if (wrong !== null) throw new ResealError('WRONG_TICKET', `${wrong}.`);
  if (!mayDo(roster, by, 'schedule')) {
    const able = roster.persons.filter(({ id }) => mayDo(roster, id, 'schedule')).map(({ id }) => id);
    throw new ResealError(
      'NOT_ENTITLED',
      `The roster does not let ${by} change the schedule; it lets ${able.join(', ') || 'nobody: give a role of roster.yaml the command schedule'}.`,
    );
  }
  const authority = scheduleAuthority(configuration, at);
  if (signed === undefined) {
    mustCountByName(authority, by);
    return null;
  }
  const read = readScheduleMandate(signed.statement);
  if (read.kind === 'none') throw new ResealError('STATEMENT_REFUSED', `No statement can be read here: ${read.reason}.`);
  const { mandate } = read;
  const strange = Object.hasOwn(topology.lines, mandate.line)
    ? null
    : `it is said in the name of ${mandate.line}, which is no line of topology.yaml`;
  const other = strange ?? isForOther(mandate, authority) ?? untimely(mandate, now);
  if (other !== null) throw new ResealError('STATEMENT_REFUSED', `The signed statement does not count: ${other}.`);
  mustBeSignedBy(by, personSignature(mandate, signed.signature, keysOf(authority, by)));
  return mandate;
}
