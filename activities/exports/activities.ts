import type { Configuration } from '../../src/configuration/load.js';
import { uncountedIn } from '../../src/domain/adopted-rosters.js';
import { ResealError } from '../../src/domain/errors.js';
import type { LineName } from '../../src/domain/brands.js';
import type { OpenedExport } from '../../src/domain/exports/export.js';
import {
  asksOther,
  exportIdOf,
  readExportStatement,
  type ExportRequestStatement,
  type Spoken,
} from '../../src/domain/exports/statement.js';
import { mayDo } from '../../src/domain/roster.js';
import { keysOf } from '../../src/domain/rotation/commands.js';
import { isForOther, untimely } from '../../src/domain/rotation/statement.js';
import { ticketRefusal } from '../../src/domain/tickets.js';
import { isRecipient } from '../../src/identity/sealed.js';
import { canonicalDigest, personSignature } from '../../src/statement/person.js';
import { holdsKeyIn, judgeWord, mustBeSignedBy, mustCountByName, rosterNow } from '../approvals/judge.js';
import type { Judgement } from '../approvals/contract.js';
import { notAdopted, rosterStandingOn } from '../roster/standing.js';
import { asOfNow } from '../rotation/as-of-now.js';
import { asFailure, authorityOf, rightsOf, situationOf, type Surroundings } from '../rotation/surroundings.js';
import { findExport } from './asked.js';
import type { ExportActivities, ExportContext } from './contract.js';
import { exportDocument } from './document.js';

export function createExportActivities(around: Surroundings): ExportActivities {
  return {
    openExport: ({ request, oneTime }) =>
      asFailure(async () => {
        if (!isRecipient(oneTime)) throw new ResealError('USAGE', 'The one-time key of an export is a public age key, age1….');
        return openExport(around, request);
      }),
    judgeExportWord: (asked) => asFailure(() => Promise.resolve(judge(() => around.configuration(), asked))),
    orderExport: (of) =>
      asFailure(async () => {
        const node = around.configuration().topology.nodes.find(({ name }) => name === of.binds.node);
        if (node === undefined) throw new ResealError('REFUSED', `topology.yaml does not declare ${of.binds.node} any more.`);
        return asOfNow(around, of.line, [node], contextOf(of));
      }),
    keepExport: ({ exported, ...of }) =>
      asFailure(() => situationOf(around, of.line).store.putFrozen(exportDocument(of.id, exported), contextOf(of))),
    closeExport: ({ status, words, refused }) =>
      asFailure(() => {
        const { id, line, ticket, binds } = status;
        const record = { kind: 'key-export', schemaVersion: 1, status, words, refused };
        return situationOf(around, line).store.putFrozen(record, contextOf({ id, binds, ticket }));
      }),
  };
}

const contextOf = ({ id, binds, ticket }: Pick<ExportContext, 'id' | 'binds' | 'ticket'>) => ({
  rotation: `export ${id}`,
  by: binds.requestedBy,
  ticket,
});

/**
 * Takes a request up, or says why not. The control API asks the same before it begins a workflow, and the worker again: anybody with Temporal's
 * credentials can begin one.
 * @throws ResealError STATEMENT_REFUSED, NOT_ENTITLED, WRONG_TICKET, SIGNATURE_NEEDED, SIGNATURE_REFUSED, REFUSED where the roster is not adopted, and those of `findExport`
 */
export async function openExport(around: Surroundings, { statement: given, signature }: Spoken): Promise<OpenedExport> {
  const statement = requestIn(given);
  const configuration = around.configuration();
  const { roster, policy } = configuration;
  const { person, line, ticket, asks } = statement;
  const refusal = ticketRefusal(ticket, policy);
  if (refusal !== null) throw new ResealError('WRONG_TICKET', `${refusal}.`);
  mustBeAskedBy(configuration, { statement, signature }, around.clock());
  await mustBeAdopted({ ...around, configuration: () => configuration }, line);
  const found = await findExport(around, { ...asks, line });
  const other = asksOther(asks, { ...found.asks, reason: asks.reason });
  if (other !== null) throw new ResealError('STATEMENT_REFUSED', `The request does not count: ${other}.`);
  if (!isRecipient(found.receiver.recipient))
    throw new ResealError('CONFIG_INVALID', `The key of the receiver ${found.receiver.id} in roster.yaml is none of age: a letter of it is wrong. Copy it anew.`); // prettier-ignore
  return {
    binding: {
      ...asks,
      export: exportIdOf(statement),
      requestedBy: person,
      request: canonicalDigest(statement),
      roster: canonicalDigest(roster),
    },
    ticket,
    requestedAt: around.clock(),
    approvals: policy.exports.approvals,
    approveWithin: policy.exports.approveWithin,
    fetchedBy: found.receiver.fetchedBy,
    rights: rightsOf(configuration),
    authority: authorityOf(configuration, line, 0),
    tickets: { tickets: policy.tickets, scan: { ticket: policy.scan.ticket } },
  };
}

/**
 * A key that has left is gone: not by a roster that people have not adopted, nor, receivers among it, by an edit that one person alone adopted and that is young.
 * @throws ResealError REFUSED, STORE_UNREACHABLE
 */
async function mustBeAdopted(around: Surroundings, line: LineName): Promise<void> {
  const standing = await rosterStandingOn(around, line);
  const reason = notAdopted(standing, authorityOf(around.configuration(), line, 0).assurance);
  if (reason !== null) throw new ResealError('REFUSED', `No key leaves under this roster: ${reason}.`);
  const editor = uncountedIn(standing).find(({ as }) => as === 'editor');
  if (editor !== undefined)
    throw new ResealError('REFUSED', `No key leaves under this roster yet: ${editor.person} ${editor.because}. Have a second person adopt it (reseal roster adopt), or wait for 7 days.`); // prettier-ignore
}

/** @throws ResealError STATEMENT_REFUSED */
function requestIn(given: unknown): ExportRequestStatement {
  const read = readExportStatement(given);
  if (read.kind === 'statement' && read.statement.says === 'export-request') return read.statement;
  const reason = read.kind === 'none' ? read.reason : `it says ${read.statement.says}`;
  throw new ResealError('STATEMENT_REFUSED', `No request for an export can be read here: ${reason}.`);
}

function mustBeAskedBy(configuration: Configuration, { statement, signature }: Spoken<ExportRequestStatement>, now: number): void {
  const { person, line } = statement;
  if (!mayDo(configuration.roster, person, 'export'))
    throw new ResealError('NOT_ENTITLED', `The roster does not let ${person} ask for an export (export). Give that right to a role of theirs in roster.yaml, or have somebody ask who has it.`); // prettier-ignore
  const authority = authorityOf(configuration, line, 0);
  const other = isForOther(statement, authority) ?? untimely(statement, now);
  if (other !== null) throw new ResealError('STATEMENT_REFUSED', `The request does not count: ${other}.`);
  if (signature === null) return mustCountByName(authority, person);
  mustBeSignedBy(person, personSignature(statement, signature, keysOf(authority, person)));
}

/** What stops an export needs no roster; a name counts while its person is on the roster. */
function judge(
  configuration: () => Configuration,
  { statement, signature, keys, approvals }: Parameters<ExportActivities['judgeExportWord']>[0],
): Judgement<string | null> {
  const { person, says } = statement;
  const kind = says === 'export-approve' || says === 'export-fetch' ? 'lets-go-on' : 'stops';
  if (signature !== null)
    return judgeWord(configuration, { person, standing: personSignature(statement, signature, keys), kind, approvals });
  const roster = rosterNow(configuration);
  if (roster === null && kind === 'stops') return { counts: true, key: null, voided: [] };
  const isWith = roster === null ? () => false : holdsKeyIn(roster);
  if (!isWith(person, null)) return { counts: false, reason: `${person} is not on the roster now` };
  return { counts: true, key: null, voided: approvals.filter((one) => !isWith(one.person, one.key)).map((one) => one.person) };
}
