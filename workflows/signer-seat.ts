import {
  allHandlersFinished,
  condition,
  continueAsNew,
  currentUpdateInfo,
  patched,
  setCurrentDetails,
  setHandler,
  sleep,
  upsertSearchAttributes,
  uuid4,
  workflowInfo,
} from '@temporalio/workflow';
import { defineSearchAttributeKey } from '@temporalio/common';
import {
  acquireSeat,
  beatSeat,
  claims,
  emptySeat,
  isIdle,
  isKnown,
  mayRelease,
  nextChange,
  releaseSeat,
  resizeSeat,
  seatView,
  settleSeat,
  standingOf,
  tokenOf,
  tokensOf,
  type Moved,
  type Seat,
  type SeatUse,
} from '../src/domain/seats/seat.js';
import type { NodeName } from '../src/domain/brands.js';
import { bookSeat } from '../src/domain/seats/book.js';
import type { SeatTerms } from '../src/domain/seats/terms.js';
import { ledger, mandates } from './activities.js';
import { failedOrder } from './mandated.js';
import {
  acquireUpdate,
  bookUpdate,
  heartbeatUpdate,
  releaseUpdate,
  seatsQuery,
  standingQuery,
  type ForcedRelease,
  type SignerSeatInput,
} from './seat-messages.js';

/** Claims that are kept for a ledger that is away; beyond it the oldest are given up, so that the state stays small. */
const MOST_UNRECORDED = 1_000;
/** Events after which the next history is begun; a beat is some five. */
const LONG_HISTORY = 4_000;
/** How long a seat that nobody wants keeps its workflow; whoever asks later starts it anew. */
const IDLE_FOR = 60_000;

const PHASE = defineSearchAttributeKey('ResealPhase', 'KEYWORD');
const TICKET = defineSearchAttributeKey('ResealTicket', 'KEYWORD');

/** The seats of one signer, as workflow `seat/<node>`: started by whoever asks for one, over when nobody has asked for a while. */
export async function signerSeat(input: SignerSeatInput): Promise<void> {
  let terms: SeatTerms = input.terms;
  let seat: Seat = input.carried?.seat ?? emptySeat(input.node, 1);
  let unrecorded: readonly SeatUse[] = input.carried?.unrecorded ?? [];
  let moves = 0;
  let recording = false;

  const take = (moved: Moved): void => {
    seat = moved.seat;
    unrecorded = [...unrecorded, ...moved.ended].slice(-MOST_UNRECORDED);
    moves += 1;
  };

  setHandler(acquireUpdate, (asked) => {
    terms = asked.terms;
    const { terms: _terms, capacity, ...request } = asked;
    take(resizeSeat(seat, capacity, Date.now(), terms));
    const token = uuid4();
    take(acquireSeat(seat, { ...request, token }, Date.now(), terms));
    const own = tokenOf(seat, asked);
    return own === null ? { kind: 'gone' } : standingOf(seat, own);
  });
  setHandler(bookUpdate, (asked) => {
    terms = asked.terms;
    const { terms: _terms, capacity, ...request } = asked;
    take(resizeSeat(seat, capacity, Date.now(), terms));
    const { seat: booked, answer } = bookSeat(seat, { ...request, token: uuid4() }, Date.now(), terms);
    take({ seat: booked, ended: [] });
    return answer;
  });
  setHandler(heartbeatUpdate, ({ token }) => {
    take(beatSeat(seat, token, Date.now(), terms));
    return standingOf(seat, token);
  });
  const releaseAll = (tokens: readonly string[], end: 'released' | 'forced'): { readonly released: boolean } => {
    const known = tokens.filter((token) => isKnown(seat, token));
    for (const token of known) take(releaseSeat(seat, token, end, Date.now(), terms));
    return { released: known.length > 0 };
  };
  setHandler(releaseUpdate, async (asked) => {
    if ('token' in asked)
      return releaseAll(
        [asked.token].filter((token) => mayRelease(seat, token, asked.attempt)),
        'released',
      );
    // Releases of before anybody judged are in histories.
    if (patched('releases-are-judged')) await judged(input.node, asked);
    // Whoever waits for the handlers sees that one has answered.
    moves += 1;
    return releaseAll(tokensOf(seat, asked.holder, asked.job), 'forced');
  });
  setHandler(seatsQuery, () => seatView(seat));
  setHandler(standingQuery, (token) => standingOf(seat, token));

  /** Beside the seat's own work: a ledger that is away holds nobody up. */
  const record = async (): Promise<void> => {
    if (recording || unrecorded.length === 0) return;
    recording = true;
    const batch = unrecorded.slice(0, 100);
    try {
      await ledger.recordSeatUses(batch);
      unrecorded = unrecorded.filter((use) => !batch.includes(use));
    } finally {
      recording = false;
    }
  };

  let shown = '';
  for (;;) {
    take(settleSeat(seat, Date.now(), terms));
    shown = publish(seat, shown);
    void record();
    if (isLong()) {
      // An Update that is answered in the task that closes a run is lost to its caller: this one closes in a task without any.
      const quiet = moves;
      await sleep(1);
      if (moves !== quiet) continue;
      await condition(allHandlersFinished);
      if (moves !== quiet) continue;
      // What the ledger has in hand is written again by the next history: by its token it is written once.
      await continueAsNew<typeof signerSeat>({ node: input.node, terms, carried: { seat, unrecorded } });
    }
    const seen = moves;
    const open = unrecorded.length;
    const changed = (): boolean => moves !== seen || unrecorded.length !== open;
    const until = nextChange(seat, Date.now(), terms);
    if (until !== null) await condition(changed, Math.max(1, until - Date.now()));
    else if (unrecorded.length > 0) await condition(changed);
    else if (!(await condition(changed, IDLE_FOR)) && isIdle(seat)) {
      const quiet = moves;
      await condition(allHandlersFinished);
      if (moves === quiet && isIdle(seat) && unrecorded.length === 0) return;
    }
  }
}

/** @throws ApplicationFailure where the word by which somebody's seat is taken does not count */
async function judged(node: NodeName, { line, by, ticket, signed, holder, job }: ForcedRelease): Promise<void> {
  const key = `seat/${node}/${workflowInfo().runId}/${currentUpdateInfo()?.id ?? ''}`;
  try {
    await mandates.orderRelease({ node, line, by, ticket, holder, job, key, ...(signed === undefined ? {} : { signed }) });
  } catch (error) {
    throw failedOrder(error);
  }
}

const isLong = (): boolean => workflowInfo().historyLength > LONG_HISTORY || workflowInfo().continueAsNewSuggested;

/** Tells Temporal's own UI who holds the seat; only when that has changed. */
function publish(seat: Seat, shown: string): string {
  const [first] = seat.held;
  const next = claims(seat)
    .map(({ holder, job }) => `${holder} ${job}`)
    .join(', ');
  if (next === shown) return shown;
  upsertSearchAttributes([
    { key: PHASE, value: first === undefined ? 'free' : 'held' },
    { key: TICKET, value: first?.ticket ?? 'none' },
  ]);
  const line = seat.front.length + seat.queue.length;
  setCurrentDetails(
    first === undefined
      ? `the seat of **${seat.node}** is free`
      : `**${first.holder}** holds a seat of **${seat.node}** under ${first.ticket}; ${line} wait`,
  );
  return next;
}
