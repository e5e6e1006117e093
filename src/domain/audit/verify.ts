import type { Sha256 } from '../brands.js';
import type { SignatureStanding } from '../signing/standing.js';
import type { AuditFinding, AuditFault } from './finding.js';
import { NO_PREDECESSOR, type AuditHead, type AuditRecord, type AuditSeal } from './record.js';

/** One line of a chain, read. `where` is for people: a file and a line, or an object. */
export type ChainItem = { readonly where: string } & (
  | { readonly kind: 'record'; readonly record: AuditRecord; readonly digest: Sha256 }
  | { readonly kind: 'seal'; readonly seal: AuditSeal }
  /** In words that end a sentence. */
  | { readonly kind: 'unreadable'; readonly reason: string }
  /** The last line of all, without its end. */
  | { readonly kind: 'half-written' }
);

/** Whether the chain is being written: then its end may be half written, and not sealed yet. */
export type WriterPresence = 'at-work' | 'gone';

/** A head that somebody else knows, and who that is, in words: `the closing record of ios-main-12`. */
export interface KnownHead extends AuditHead {
  readonly from: string;
}

/** Records that have not come where they were due; they may still come later, in the wrong place. */
interface Gap {
  readonly first: number;
  readonly last: number;
  /** Digest of the record before the gap. */
  readonly before: Sha256;
}

/** How far a chain has been read, and what is wrong with it so far. Its size does not grow with the chain's. */
export interface Verification {
  readonly chain: string;
  readonly records: number;
  /** The record of the highest number. */
  readonly head: AuditHead | null;
  /** When the head was written; ISO 8601. */
  readonly headAt: string | null;
  /** A key that is declared for the writer; null: none is, and the one that the chain names counts. */
  readonly declared: string | null;
  /** The key that the chain names last, or the declared one; null: it is not signed, or has not begun. */
  readonly key: string | null;
  /** The last seal that fits the record before it. */
  readonly seal: AuditSeal | null;
  /** The key that counted where that seal stands: a writer that is back under another one has sealed nothing for a moment. */
  readonly sealKey: string | null;
  /** Where the last line has no end. */
  readonly halfWritten: string | null;
  /** The highest number that any seal speaks of. */
  readonly sealedUpTo: number;
  readonly known: ReadonlyMap<number, readonly KnownHead[]>;
  readonly gaps: readonly Gap[];
  readonly findings: readonly AuditFinding[];
  /** Findings beyond those that are kept. */
  readonly more: number;
}

/** A chain that was overwritten gives a finding per line; nobody reads them all. */
const MOST_FINDINGS = 100;
const MOST_GAPS = 1_000;

/** @param known heads of this chain that others know @param declared a key of the writer: then the chain has to be sealed */
export function beginVerification(chain: string, known: readonly KnownHead[], declared: string | null): Verification {
  const bySeq = new Map<number, readonly KnownHead[]>();
  for (const head of known) bySeq.set(head.seq, [...(bySeq.get(head.seq) ?? []), head]);
  return {
    ...{
      chain,
      records: 0,
      head: null,
      headAt: null,
      declared,
      key: declared,
      seal: null,
      sealKey: null,
      halfWritten: null,
      sealedUpTo: 0,
    },
    ...{ known: bySeq, gaps: [], findings: [], more: 0 },
  };
}

/** The next line of the chain, in the order in which the lines lie there. */
export function verifyNext(before: Verification, item: ChainItem): Verification {
  switch (item.kind) {
    case 'unreadable':
      return found(before, 'unreadable', (before.head?.seq ?? 0) + 1, `${item.where} is no record: ${item.reason}`);
    case 'half-written':
      return { ...before, halfWritten: item.where };
    case 'seal':
      return nextSeal(before, item.seal, item.where);
    case 'record':
      return nextRecord(before, item.record, item.digest, item.where);
  }
}

function nextRecord(before: Verification, record: AuditRecord, digest: Sha256, where: string): Verification {
  const { chain, head } = before;
  if (record.chain !== chain)
    return found(before, 'foreign', record.seq, `${where} is record ${record.seq} of the chain ${record.chain}, not of ${chain}`);
  const named = compareKnown({ ...before, records: before.records + 1 }, record.seq, digest, where);
  const due = (head?.seq ?? 0) + 1;
  if (record.seq < due) return late(named, record, where);
  const key = record.kind === 'begin' || record.kind === 'resume' ? (record.key ?? before.declared) : before.key;
  const on = { ...named, key, head: { chain, seq: record.seq, digest }, headAt: record.at };
  const begun = record.kind === 'begin' ? 'begins the chain' : 'does not begin the chain';
  if ((record.seq === 1) !== (record.kind === 'begin'))
    return found(on, 'changed', record.seq, `${where} is record ${record.seq} and ${begun}`);
  const last = head?.digest ?? NO_PREDECESSOR;
  if (record.seq === due) return record.previous === last ? on : broken(on, record, last, where);
  const gap: Gap = { first: due, last: record.seq - 1, before: last };
  const gaps = [...before.gaps, gap];
  return gaps.length <= MOST_GAPS ? { ...on, gaps } : gaps.slice(0, 1).reduce(missing, { ...on, gaps: gaps.slice(1) });
}

function broken(state: Verification, record: AuditRecord, last: Sha256, where: string): Verification {
  const { seq, previous } = record;
  if (seq === 1) return found(state, 'changed', 1, `${where}, the first record, names a predecessor, ${short(previous)}`);
  return found(state, 'changed', seq - 1, `record ${seq - 1} was changed, or the one after it: ${where}, record ${seq}, follows ${short(previous)}, and before it lies ${short(last)}`); // prettier-ignore
}

/** A record that comes after one with a higher number. */
function late(state: Verification, record: AuditRecord, where: string): Verification {
  const { seq, previous } = record;
  const gap = state.gaps.find(({ first, last }) => first <= seq && seq <= last);
  if (gap === undefined) return found(state, 'repeated', seq, `${where} is record ${seq} once more`);
  const parts = [
    { ...gap, last: seq - 1 },
    { ...gap, first: seq + 1 },
  ].filter(({ first, last }) => first <= last);
  const moved = found({ ...state, gaps: state.gaps.flatMap((one) => (one === gap ? parts : [one])) }, 'reordered', seq, `${where} is record ${seq}, and comes after record ${state.head?.seq ?? 0}`); // prettier-ignore
  return seq !== gap.first || previous === gap.before ? moved : broken(moved, record, gap.before, where);
}

function compareKnown(state: Verification, seq: number, digest: Sha256, where: string): Verification {
  return (state.known.get(seq) ?? []).reduce(
    (all, known) =>
      known.digest === digest
        ? all
        : found(all, 'changed', seq, `${where}, record ${seq}, is ${short(digest)}; ${known.from} knows it as ${short(known.digest)}: it, or something before it, was changed`), // prettier-ignore
    state,
  );
}

function nextSeal(before: Verification, seal: AuditSeal, where: string): Verification {
  const { chain, head } = before;
  const { seq, digest } = seal.seal;
  if (seal.seal.chain !== chain) return found(before, 'foreign', seq, `${where} seals the chain ${seal.seal.chain}, not ${chain}`);
  const on = { ...before, sealedUpTo: Math.max(before.sealedUpTo, seq) };
  // Of a record that is not there: what is missing is told where that is known.
  if (seq > (head?.seq ?? 0)) return on;
  if (seq < (head?.seq ?? 0)) return found(on, 'reordered', seq, `${where} seals record ${seq}, and comes after record ${head?.seq ?? 0}`);
  if (digest !== head?.digest)
    return found(on, 'changed', seq, `record ${seq} was changed: ${where} seals ${short(digest)}, and before it lies ${short(head?.digest ?? NO_PREDECESSOR)}`); // prettier-ignore
  return { ...on, seal, sealKey: on.key };
}

/** What can be said only once the last line was read. */
export function endVerification(read: Verification, writer: WriterPresence): Verification {
  const { chain, head, known, sealedUpTo, key, seal } = read;
  const last = head?.seq ?? 0;
  const filled = read.gaps.reduce(missing, { ...read, gaps: [] });
  const whole =
    read.halfWritten === null || writer === 'at-work'
      ? filled
      : found(
          filled,
          'unreadable',
          last + 1,
          `${read.halfWritten} is half written: the writer was cut off there, and cuts it away when it is back`,
        );
  const beyond = [...known.values()].flat().sort((a, b) => b.seq - a.seq)[0];
  if (beyond !== undefined && head === null)
    return found(whole, 'gone', null, `nothing is left of the chain ${chain}: ${beyond.from} knows it up to record ${beyond.seq}`);
  const upTo = Math.max(beyond?.seq ?? 0, sealedUpTo);
  if (upTo > last) {
    const who = beyond?.seq === upTo ? beyond.from : 'a seal';
    return found(whole, 'truncated', last + 1, `${recordsOf(last + 1, upTo)} gone at the end: ${who} knows the chain up to record ${upTo}`);
  }
  const sealed = seal?.seal.seq ?? 0;
  if (key === null || sealed === last || writer === 'at-work') return whole;
  return found(whole, 'unsigned', sealed + 1, `${recordsOf(sealed + 1, last)} not signed, and the chain's writer has a key: it was cut off in the middle of an append and has not been back, or somebody else wrote them`); // prettier-ignore
}

/**
 * Holds the last seal against the keys that count for the writer; with it all before it is signed.
 * @param standing by the keys that are declared, or, where none are, the one that the chain names
 */
export function judgeSeal(read: Verification, standing: SignatureStanding): Verification {
  const { seal } = read;
  if (seal === null || standing.kind === 'declared') return read;
  const { seq } = seal.seal;
  const what =
    standing.kind === 'stranger'
      ? `the seal of record ${seq} is by another key (${standing.fingerprint})`
      : `the seal of record ${seq} does not count: ${standing.reason}`;
  return found(read, 'forged', seq, what);
}

const missing = (state: Verification, { first, last }: Gap): Verification =>
  found(
    state,
    'missing',
    first,
    `${recordsOf(first, last)} missing: record ${last + 1} follows ${first === 1 ? 'nothing' : `record ${first - 1}`}`,
  );

const recordsOf = (first: number, last: number): string => (first === last ? `record ${first} is` : `records ${first} to ${last} are`);

const short = (digest: Sha256): string => (digest === NO_PREDECESSOR ? 'nothing' : digest.slice(0, 12));

function found(state: Verification, fault: AuditFault, seq: number | null, text: string): Verification {
  if (state.findings.length >= MOST_FINDINGS) return { ...state, more: state.more + 1 };
  return { ...state, findings: [...state.findings, { fault, chain: state.chain, seq, text }] };
}
