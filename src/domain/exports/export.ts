import type { Duration, Instant, LineName, PersonId, Sha256 } from '../brands.js';
import type { ErrorCode } from '../errors.js';
import type { Policy } from '../policy.js';
import type { RosterCommand } from '../roster.js';
import { keysOf, mustSign } from '../rotation/commands.js';
import type { Authority } from '../rotation/state.js';
import { isForOther, untimely } from '../rotation/statement.js';
import { ticketRefusal } from '../tickets.js';
import { bindsOtherExport, type ExportApproval, type ExportBinding, type ExportWord, type Spoken } from './statement.js';

/** What becomes of a request: the last six are ends. `approved`: its node exports it now. `sealed`: it lies there to be fetched. */
export type ExportPhase = 'requested' | 'approved' | 'sealed' | 'rejected' | 'withdrawn' | 'expired' | 'failed' | 'fetched';

const ENDS: readonly ExportPhase[] = ['rejected', 'withdrawn', 'expired', 'failed', 'fetched'];
export const hasEnded = (phase: ExportPhase): boolean => ENDS.includes(phase);

/** What was sealed, and where it lies. */
export interface SealedExport {
  /** SHA-256 of what the receiver gets. */
  readonly sha256: Sha256;
  /** Digest of the frozen document in the line's store that holds it, under the one-time key. */
  readonly document: Sha256;
  readonly at: Instant;
  readonly until: Instant;
}

export interface ApprovedBy {
  readonly person: PersonId;
  readonly at: Instant;
  /** Fingerprint of the key; null: by name. */
  readonly key: string | null;
  readonly spoken: Spoken<ExportApproval>;
}

/** How a request ended. */
export interface ExportEnd {
  readonly at: Instant;
  /** A person, or `reseal`. */
  readonly by: string;
  readonly reason: string;
}

/** What is fixed when a request is taken up. */
export interface OpenedExport {
  readonly binding: ExportBinding;
  readonly ticket: string;
  readonly requestedAt: Instant;
  readonly approvals: number;
  readonly approveWithin: Duration;
  readonly fetchedBy: readonly PersonId[];
  /** Person to commands, of the roster. */
  readonly rights: Readonly<Record<PersonId, readonly RosterCommand[]>>;
  readonly authority: Authority;
  readonly tickets: Pick<Policy, 'tickets'> & { readonly scan: Pick<Policy['scan'], 'ticket'> };
}

export interface ExportState {
  readonly line: LineName;
  readonly opened: OpenedExport;
  readonly phase: ExportPhase;
  readonly approvals: readonly ApprovedBy[];
  readonly sealed: SealedExport | null;
  readonly ended: ExportEnd | null;
  /** Nonces that have counted. */
  readonly heard: readonly string[];
  /** Digest of the closing record in the line's store. */
  readonly record: Sha256 | null;
}

/** What everybody may see of a request. No secret is in it, nor was one in any of its parts. */
export interface ExportStatus {
  readonly id: string;
  readonly line: LineName;
  readonly phase: ExportPhase;
  readonly binds: ExportBinding;
  readonly ticket: string;
  readonly installation: string;
  readonly assurance: Authority['assurance'];
  readonly requestedAt: Instant;
  readonly approveBy: Instant;
  readonly approvalsNeeded: number;
  readonly approvals: readonly Pick<ApprovedBy, 'person' | 'at' | 'key'>[];
  readonly fetchedBy: readonly PersonId[];
  readonly sealed: SealedExport | null;
  readonly ended: ExportEnd | null;
  readonly record: Sha256 | null;
}

export const opensAs = (line: LineName, opened: OpenedExport): ExportState => ({
  ...{ line, opened, phase: 'requested', approvals: [], sealed: null, ended: null, heard: [], record: null },
});

const approveByOf = ({ requestedAt, approveWithin }: OpenedExport): Instant => requestedAt + approveWithin;

export function exportStatus({ line, opened, phase, approvals, sealed, ended, record }: ExportState): ExportStatus {
  return {
    id: opened.binding.export,
    line,
    phase,
    binds: opened.binding,
    ticket: opened.ticket,
    installation: opened.authority.installation,
    assurance: opened.authority.assurance,
    requestedAt: opened.requestedAt,
    approveBy: approveByOf(opened),
    approvalsNeeded: opened.approvals,
    approvals: approvals.map(({ person, at, key }) => ({ person, at, key })),
    fetchedBy: opened.fetchedBy,
    sealed,
    ended,
    record,
  };
}

/** When silence ends the phase; null: it does not. */
export function silentUntil({ opened, phase, sealed }: ExportState): Instant | null {
  if (phase === 'requested') return approveByOf(opened);
  return phase === 'sealed' && sealed !== null ? sealed.until : null;
}

/** As far as time alone carries it. */
export function settleExport(state: ExportState, now: Instant): ExportState {
  const until = silentUntil(state);
  if (until === null || now < until) return state;
  const reason =
    state.phase === 'requested'
      ? `it had ${state.approvals.length} of ${state.opened.approvals} approvals when its time was up`
      : 'nobody fetched it in time';
  return endExport(state, 'expired', { at: until, by: 'reseal', reason });
}

export const endExport = (
  state: ExportState,
  phase: 'rejected' | 'withdrawn' | 'expired' | 'failed' | 'fetched',
  ended: ExportEnd,
): ExportState => (hasEnded(state.phase) ? state : { ...state, phase, ended });

/** What the node has sealed lies in the store. One that was ended meanwhile stays so: nobody fetches it. */
export const sealExport = (state: ExportState, sealed: Omit<SealedExport, 'until'>): ExportState =>
  state.phase === 'approved'
    ? { ...state, phase: 'sealed', sealed: { ...sealed, until: sealed.at + state.opened.binding.fetchWithin } }
    : state;

export type ExportDecision =
  | { readonly accepted: true }
  /** A sentence without capital and full stop, which begins with a word. */
  | { readonly accepted: false; readonly code: ErrorCode; readonly reason: string };

const YES: ExportDecision = { accepted: true };
const no = (code: ErrorCode, reason: string): ExportDecision => ({ accepted: false, code, reason });

/** When each has a meaning. */
const LEGAL: Readonly<Record<ExportWord['says'], readonly ExportPhase[]>> = {
  'export-approve': ['requested'],
  'export-reject': ['requested', 'approved', 'sealed'],
  'export-withdraw': ['requested', 'approved', 'sealed'],
  'export-fetch': ['sealed'],
};

/**
 * Whether what somebody says of a request counts now. Pure: the Update's validator asks it before anything is on the record, and its handler once more
 * after the signature was judged.
 * @param settled as far as time carries it
 */
export function decideExport(settled: ExportState, { statement, signature }: Spoken<ExportWord>, now: Instant): ExportDecision {
  const { opened, phase } = settled;
  const { binding, authority } = opened;
  const other = isForOther(statement, authority) ?? untimely(statement, now) ?? aboutOther(settled, statement);
  if (other !== null) return no('STATEMENT_REFUSED', `the statement does not count: ${other}`);
  if (!LEGAL[statement.says].includes(phase)) return illegal(settled, statement.says);
  if (signature === null) {
    const refusal = mustSign(authority, statement.person);
    if (refusal !== null) return no('SIGNATURE_NEEDED', refusal);
  }
  const ticket = ticketRefusal(statement.ticket, opened.tickets);
  if (ticket !== null) return no('WRONG_TICKET', ticket);
  if (statement.ticket !== opened.ticket) return no('WRONG_TICKET', `this export runs under ${opened.ticket}, not ${statement.ticket}`);
  if (settled.heard.includes(statement.nonce)) return no('ALREADY_DECIDED', 'a statement counts once, and this one has counted');
  const { person } = statement;
  switch (statement.says) {
    case 'export-approve':
    case 'export-reject': {
      const right = statement.says === 'export-approve' ? 'approve' : 'reject';
      if (!mayDoFrozen(opened, person, right)) return no('NOT_ENTITLED', `the roster does not let ${person} ${right}`);
      if (person === binding.requestedBy) return no('NOT_ENTITLED', `the requester does not decide: ${person} asked for this export`);
      if (opened.fetchedBy.includes(person))
        return no('NOT_ENTITLED', `who may fetch it does not decide: ${person} fetches for the receiver ${binding.receiver}`);
      if (right === 'approve' && settled.approvals.some((one) => one.person === person))
        return no('ALREADY_DECIDED', `once is enough: ${person} has approved already, and approvals count by person`);
      return YES;
    }
    case 'export-withdraw':
      if (person === binding.requestedBy) return YES;
      return phase === 'requested' && settled.approvals.some((one) => one.person === person)
        ? YES
        : no(
            'NOT_ENTITLED',
            `only ${binding.requestedBy}, who asked, withdraws an export, and whoever approved it an approval that is not used yet`,
          );
    case 'export-fetch':
      if (!opened.fetchedBy.includes(person))
        return no('NOT_ENTITLED', `only ${opened.fetchedBy.join(', ')} may fetch what is sealed to ${binding.receiver}`);
      return statement.sealed === settled.sealed?.sha256
        ? YES
        : no('WRONG_DIGEST', `what is sealed is ${settled.sealed?.sha256 ?? 'nothing'}, not ${statement.sealed}`);
  }
}

function illegal({ phase, ended }: ExportState, says: ExportWord['says']): ExportDecision {
  const verb = says.slice('export-'.length);
  if (phase === 'fetched')
    return no('ALREADY_DECIDED', `an export is fetched once, and ${ended?.by ?? 'somebody'} has fetched this one; ask for another`);
  const why = ended === null ? '' : `: ${ended.reason}`;
  const next = verb === 'fetch' && ended === null ? '; it can be fetched once it is sealed' : '';
  return no('ILLEGAL_COMMAND', `the command ${verb} has no meaning while the export is ${phase}${why}${next}`);
}

function aboutOther({ line, opened: { binding } }: ExportState, statement: ExportWord): string | null {
  if (statement.line !== line) return `it is said of line ${statement.line}, and this is on ${line}`;
  if ('binds' in statement) return bindsOtherExport(statement.binds, binding);
  if (statement.export !== binding.export) return `it is said of ${statement.export}, and this is ${binding.export}`;
  return statement.request === binding.request ? null : 'it names another request';
}

const mayDoFrozen = ({ rights }: OpenedExport, person: PersonId, right: RosterCommand): boolean =>
  Object.hasOwn(rights, person) && (rights[person] ?? []).includes(right);

/** How it is known who said it. */
export interface KnownBy {
  readonly key: string | null;
  /** Who has approved and is not on the roster any more, or not with the key that they approved with. */
  readonly voided: readonly PersonId[];
}

/** Does what was said and counts. */
export function obeyExport(state: ExportState, spoken: Spoken<ExportWord>, known: KnownBy, now: Instant): ExportState {
  const { statement } = spoken;
  const { person } = statement;
  const heard: ExportState = {
    ...state,
    heard: [...state.heard, statement.nonce],
    approvals: state.approvals.filter((one) => !known.voided.includes(one.person)),
  };
  const end = (reason: string): ExportEnd => ({ at: now, by: person, reason });
  switch (statement.says) {
    case 'export-approve': {
      const approval: ApprovedBy = { person, at: now, key: known.key, spoken: { statement, signature: spoken.signature } };
      const approvals = [...heard.approvals, approval];
      return { ...heard, approvals, phase: approvals.length >= heard.opened.approvals ? 'approved' : heard.phase };
    }
    case 'export-reject':
      return endExport(heard, 'rejected', end(statement.reason ?? `rejected by ${person}`));
    case 'export-withdraw':
      return person === state.opened.binding.requestedBy
        ? endExport(heard, 'withdrawn', end(`withdrawn by ${person}, who asked for it`))
        : { ...heard, approvals: heard.approvals.filter((one) => one.person !== person) };
    case 'export-fetch':
      return endExport(heard, 'fetched', end(`handed out to ${person} for ${state.opened.binding.receiver}`));
  }
}

/** The keys that a person signs with, as frozen. */
export const exportKeysOf = ({ opened }: ExportState, person: PersonId): readonly string[] => keysOf(opened.authority, person);

/** By what a node exports: the request and its approvals, for the node to judge by its own roster. */
export interface ExportWarrant {
  readonly request: Spoken;
  readonly approvals: readonly Spoken[];
}

/** What a node has exported: sealed to the receiver, and that once more to the one-time key. */
export interface ExportedIdentity {
  /** Base64; the outer seal. */
  readonly sealed: string;
  /** SHA-256 of the inner seal, which is what the receiver gets. */
  readonly sha256: Sha256;
}
