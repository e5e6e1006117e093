import type { Configuration } from '../../src/configuration/load.js';
import type { Instant } from '../../src/domain/brands.js';
import { ResealError } from '../../src/domain/errors.js';
import {
  datedWrong,
  readRevocation,
  REVOCATION_RIGHT,
  type GivenRevocation,
  type RevocationStatement,
} from '../../src/domain/revocations.js';
import { mayDo } from '../../src/domain/roster.js';
import { keysOf } from '../../src/domain/rotation/commands.js';
import { ticketRefusal } from '../../src/domain/tickets.js';
import { personSignature } from '../../src/statement/person.js';
import { mustBeSignedBy, mustCountByName } from '../approvals/judge.js';
import { scheduleAuthority } from '../mandates/schedule.js';

/**
 * Whether it is known who records a revocation, or takes one back, and whether they may. The control API asks before it begins anything, and the worker again.
 * @throws ResealError STATEMENT_REFUSED, WRONG_TICKET, NOT_ENTITLED, SIGNATURE_NEEDED, SIGNATURE_REFUSED
 */
export function mustBeRecordable(
  configuration: Configuration,
  { statement: given, signature }: GivenRevocation,
  now: Instant,
): RevocationStatement {
  const { roster, policy, topology } = configuration;
  const read = readRevocation(given);
  if (read.kind === 'none') throw new ResealError('STATEMENT_REFUSED', `No statement can be read here: ${read.reason}.`);
  const { statement } = read;
  const { person, ticket, installation } = statement;
  const wrong = ticketRefusal(ticket, policy);
  if (wrong !== null) throw new ResealError('WRONG_TICKET', `${wrong}.`);
  if (!mayDo(roster, person, REVOCATION_RIGHT)) {
    const able = roster.persons.filter(({ id }) => mayDo(roster, id, REVOCATION_RIGHT)).map(({ id }) => id);
    throw new ResealError(
      'NOT_ENTITLED',
      `The roster does not let ${person} record revocations (${REVOCATION_RIGHT}); it lets ${able.join(', ') || `nobody: give a role of roster.yaml the command ${REVOCATION_RIGHT}`}.`,
    );
  }
  const other =
    installation === topology.installation
      ? datedWrong(statement, now)
      : `it is for the installation ${installation}, and this is ${topology.installation}`;
  if (other !== null) throw new ResealError('STATEMENT_REFUSED', `The statement does not count: ${other}.`);
  // A certificate is of every line: where one node is not simulated, everybody signs.
  const authority = scheduleAuthority(configuration, null);
  if (signature === null) mustCountByName(authority, person);
  else mustBeSignedBy(person, personSignature(statement, signature, keysOf(authority, person)));
  return statement;
}
