import type { Configuration } from '../../src/configuration/load.js';
import type { Instant } from '../../src/domain/brands.js';
import { ResealError } from '../../src/domain/errors.js';
import { mandatesOther, readMandate, RIGHT_OF, type Asking, type Deed, type Mandate } from '../../src/domain/mandate.js';
import { mayDo } from '../../src/domain/roster.js';
import { keysOf } from '../../src/domain/rotation/commands.js';
import { isForOther, untimely } from '../../src/domain/rotation/statement.js';
import { ticketRefusal } from '../../src/domain/tickets.js';
import { personSignature } from '../../src/statement/person.js';
import { mustBeSignedBy, mustCountByName } from '../approvals/judge.js';
import { authorityOf } from '../rotation/surroundings.js';

/**
 * Whether it is known who asks for a deed on a node, and whether they may. The control API asks before it begins anything, and the worker again: anybody with
 * Temporal's credentials can begin a workflow.
 * @returns the mandate; null where a name alone counts
 * @throws ResealError WRONG_TICKET, NOT_ENTITLED, SIGNATURE_NEEDED, SIGNATURE_REFUSED, STATEMENT_REFUSED
 */
export function mustBeMandated(configuration: Configuration, asked: Asking, deed: Deed, now: Instant): Mandate | null {
  const { roster, policy, topology } = configuration;
  const { line, by, ticket, signed } = asked;
  const node = topology.nodes.find(({ name }) => name === deed.node);
  if (node?.lines.includes(line) !== true)
    throw new ResealError('NOT_FOUND', `topology.yaml declares no node ${deed.node} that follows ${line}.`);
  const wrong = ticketRefusal(ticket, policy);
  if (wrong !== null) throw new ResealError('WRONG_TICKET', `${wrong}.`);
  const right = RIGHT_OF[deed.says];
  if (!mayDo(roster, by, right)) {
    const able = roster.persons.filter(({ id }) => mayDo(roster, id, right)).map(({ id }) => id);
    throw new ResealError('NOT_ENTITLED', `The roster does not let ${by} ${right}; it lets ${able.join(', ') || 'nobody'}.`);
  }
  const authority = authorityOf(configuration, line, 0);
  if (signed === undefined) {
    // What a deed does to the node it does on every line that the node follows.
    const isReal = node.environment !== 'simulated';
    mustCountByName(isReal ? { ...authority, assurance: 'signature' } : authority, by);
    return null;
  }
  const read = readMandate(signed.statement);
  if (read.kind === 'none') throw new ResealError('STATEMENT_REFUSED', `No statement can be read here: ${read.reason}.`);
  const { mandate } = read;
  const other = mandatesOther(mandate, asked, deed) ?? isForOther(mandate, authority) ?? untimely(mandate, now);
  if (other !== null) throw new ResealError('STATEMENT_REFUSED', `The signed statement does not count: ${other}.`);
  mustBeSignedBy(by, personSignature(mandate, signed.signature, keysOf(authority, by)));
  return mandate;
}
