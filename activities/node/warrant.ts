import type { Configuration } from '../../src/configuration/load.js';
import type { Instant, NodeName, PersonId } from '../../src/domain/brands.js';
import { ResealError } from '../../src/domain/errors.js';
import type { ExportWarrant } from '../../src/domain/exports/export.js';
import { LEAST_APPROVALS } from '../../src/domain/exports/terms.js';
import {
  asksOther,
  exportIdOf,
  readExportStatement,
  type ExportApproval,
  type ExportAsk,
  type ExportRequestStatement,
  type ExportStatement,
  type Spoken,
} from '../../src/domain/exports/statement.js';
import { mayDo } from '../../src/domain/roster.js';
import { keysOf, mustSign } from '../../src/domain/rotation/commands.js';
import type { Authority } from '../../src/domain/rotation/state.js';
import { isForOther, LONGEST_VALIDITY } from '../../src/domain/rotation/statement.js';
import { canonicalDigest, personSignature } from '../../src/statement/person.js';
import { authorityOf } from '../rotation/surroundings.js';

/**
 * Whether a node exports: judged where the key is, by the roster and the policy that lie there, whatever the control plane says. The request and every
 * approval are looked at anew: who signed, whether they may, that they are several, and that all of them mean this identity, this node, this receiver.
 * @param now the clock of who serves the node
 * @throws ResealError REFUSED in words
 */
export function mustBeWarranted(
  configuration: Configuration,
  node: NodeName,
  { request, approvals }: ExportWarrant,
  now: Instant,
): ExportRequestStatement {
  const refuse = (why: string): ResealError =>
    new ResealError('REFUSED', `Node ${node} exports nothing on this word: ${why}. Nothing was touched.`);
  const asked = statementIn(request);
  if (asked?.says !== 'export-request') throw refuse('it comes without the request of a person');
  const { topology, roster, policy } = configuration;
  const { asks, line } = asked;
  if (asks.node !== node) throw refuse(`it is asked of ${asks.node}`);
  if (topology.lines[line]?.identity === 'sidecar') throw refuse(`the keys of ${line} are at a sidecar`);
  const authority = authorityOf(configuration, line, 0);
  const said = (spoken: Spoken, statement: ExportStatement, right: 'export' | 'approve'): string | null =>
    isForOther(statement, authority) ??
    stale(statement, policy.exports.approveWithin, now) ??
    (mayDo(roster, statement.person, right) ? null : `the roster here does not let ${statement.person} ${right}`) ??
    unsigned(authority, spoken.signature, statement);
  const fault = said(request, asked, 'export');
  if (fault !== null) throw refuse(`of the request ${fault}`);
  const receiver = roster.receivers?.find(({ id }) => id === asks.receiver);
  if (receiver?.recipient !== asks.recipient)
    throw refuse(`the roster here has ${receiver === undefined ? `no receiver ${asks.receiver}` : `another key for ${asks.receiver}`}`);
  const persons = new Set<PersonId>();
  for (const spoken of approvals) {
    const approval = statementIn(spoken);
    if (approval?.says !== 'export-approve') throw refuse('an approval of it is none');
    const other = said(spoken, approval, 'approve') ?? approvesOther(approval, asked);
    if (other !== null) throw refuse(`of the approval of ${approval.person} ${other}`);
    if (receiver.fetchedBy.includes(approval.person)) throw refuse(`${approval.person} fetches for ${receiver.id}, and does not approve`);
    persons.add(approval.person);
  }
  const needed = Math.max(LEAST_APPROVALS, policy.exports.approvals);
  if (persons.size < needed) throw refuse(`${persons.size} of ${needed} persons have approved it`);
  return asked;
}

function statementIn(spoken: Spoken): ExportStatement | null {
  const read = readExportStatement(spoken.statement);
  return read.kind === 'statement' ? read.statement : null;
}

/** Statements count for minutes where they are given, and the node hears of them when the last approval is there. */
function stale({ issuedAt }: ExportStatement, approveWithin: number, now: Instant): string | null {
  return now - Date.parse(issuedAt) > approveWithin + LONGEST_VALIDITY ? `it is said that it was given at ${issuedAt}, long ago` : null;
}

function unsigned(authority: Authority, signature: string | null, statement: ExportStatement): string | null {
  const { person } = statement;
  if (signature === null) return mustSign(authority, person);
  const standing = personSignature(statement, signature, keysOf(authority, person));
  switch (standing.kind) {
    case 'declared':
      return null;
    case 'stranger':
      return `the signature is of ${standing.fingerprint}, which is no key of ${person} on the roster here`;
    case 'invalid':
      return standing.reason;
  }
}

function approvesOther({ person, line, ticket, binds }: ExportApproval, asked: ExportRequestStatement): string | null {
  if (person === asked.person || binds.requestedBy !== asked.person) return 'the requester does not decide';
  if (line !== asked.line || ticket !== asked.ticket) return 'it is of another line or ticket';
  if (binds.export !== exportIdOf(asked) || binds.request !== canonicalDigest(asked)) return 'it is of another request';
  return asksOther(askOf(binds), asked.asks);
}

const askOf = ({ identity, serial, certificateExpiresAt, node, receiver, recipient, fetchWithin, reason }: ExportAsk): ExportAsk => ({
  ...{ identity, serial, certificateExpiresAt, node, receiver, recipient, fetchWithin, reason },
});
