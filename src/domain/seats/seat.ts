import type { Duration, Instant, NodeName } from '../brands.js';

/** `policy.yaml`, seats: how long seats are held and waited for, in milliseconds. */
export interface SeatTerms {
  /** How long a lease lasts that does not say how long. */
  readonly lease: Duration;
  /** The longest lease that can be asked for. */
  readonly longest: Duration;
  /** A holder, and a waiter, that is silent for longer loses its place. */
  readonly heartbeat: Duration;
  /** The longest that anybody may stay in the queue. */
  readonly longestWait: Duration;
}

/** Who asks. One job of one holder has one claim on a seat, however often it asks. */
export interface Claimant {
  readonly holder: string;
  readonly pipeline: string;
  readonly ticket: string;
  /** With the holder the key of the claim: asking again under it gets the same claim. */
  readonly job: string;
}

export interface Claim extends Claimant {
  /** Who has it may beat and release; never shown to others. */
  readonly token: string;
  readonly askedAt: Instant;
  readonly lease: Duration;
  /** Of an activity: the newest of its attempts that has asked. */
  readonly attempt?: number;
  /** When it loses its place unless it beats. */
  readonly beatBy: Instant;
  /** When it loses its place whatever it does: the end of the wait, and once it is granted that of the lease. */
  readonly until: Instant;
  readonly grantedAt: Instant | null;
}

export interface AcquireRequest extends Claimant {
  /** Used where there is no claim of this key yet. */
  readonly token: string;
  /** Null: the policy's. Never longer than the policy's longest. */
  readonly lease: Duration | null;
  readonly wait: Duration;
  /** `front`: before everybody who has not gone to the front before; nobody who holds a seat is driven out. */
  readonly place: 'back' | 'front';
  /** Of an activity, from 1: an older attempt does not give back what a newer one has. */
  readonly attempt?: number;
}

/** The seats of one node: who holds one, and who waits, in the order of their turn. */
export interface Seat {
  readonly node: NodeName;
  readonly capacity: number;
  readonly held: readonly Claim[];
  /** Those who went to the front, before the others. */
  readonly front: readonly Claim[];
  readonly queue: readonly Claim[];
}

/** How a claim ended. `left`: gave up waiting; `silent`: no heartbeat; `overdue`: the time was over; `forced`: an operator took it. */
export type SeatEnd = 'released' | 'left' | 'silent' | 'overdue' | 'forced';

/** One claim that has ended, for the ledger; the token is its key. */
export interface SeatUse extends Claimant {
  readonly node: NodeName;
  readonly token: string;
  readonly askedAt: Instant;
  /** Null: it never got the seat. */
  readonly grantedAt: Instant | null;
  readonly endedAt: Instant;
  readonly end: SeatEnd;
}

export interface Moved {
  readonly seat: Seat;
  readonly ended: readonly SeatUse[];
}

/** What a claimant is told. `gone`: there is no such claim, or none any more. */
export type Standing =
  | { readonly kind: 'granted'; readonly token: string; readonly grantedAt: Instant; readonly until: Instant; readonly beatBy: Instant }
  | { readonly kind: 'queued'; readonly token: string; readonly position: number; readonly until: Instant; readonly beatBy: Instant }
  | { readonly kind: 'gone' };

export const emptySeat = (node: NodeName, capacity: number): Seat => ({ node, capacity, held: [], front: [], queue: [] });

const waiting = (seat: Seat): readonly Claim[] => [...seat.front, ...seat.queue];
/** Who holds, then who waits, in the order of their turn. */
export const claims = (seat: Seat): readonly Claim[] => [...seat.held, ...waiting(seat)];

/** Nobody holds and nobody waits. */
export const isIdle = (seat: Seat): boolean => claims(seat).length === 0;

/**
 * Brings a seat to `now`: ends the claims whose time is over, then gives free seats to those whose turn it is. Claims end at the moment
 * their time was over, not when it was noticed.
 */
export function settleSeat(seat: Seat, now: Instant, terms: SeatTerms): Moved {
  const over = (claim: Claim): boolean => Math.min(claim.until, claim.beatBy) <= now;
  const ended = claims(seat)
    .filter(over)
    .map((claim) => useOf(seat.node, claim, Math.min(claim.until, claim.beatBy), claim.until <= claim.beatBy ? overdue(claim) : 'silent'));
  const stays = (list: readonly Claim[]): readonly Claim[] => list.filter((claim) => !over(claim));
  return { seat: grant({ ...seat, held: stays(seat.held), front: stays(seat.front), queue: stays(seat.queue) }, now, terms), ended };
}

const overdue = (claim: Claim): SeatEnd => (claim.grantedAt === null ? 'left' : 'overdue');

function grant(seat: Seat, now: Instant, terms: SeatTerms): Seat {
  const free = Math.max(0, seat.capacity - seat.held.length);
  const next = waiting(seat).slice(0, free);
  if (next.length === 0) return seat;
  const granted = next.map((claim): Claim => ({ ...claim, grantedAt: now, until: now + claim.lease, beatBy: now + terms.heartbeat }));
  const left = (list: readonly Claim[]): readonly Claim[] => list.filter((claim) => !next.includes(claim));
  return { ...seat, held: [...seat.held, ...granted], front: left(seat.front), queue: left(seat.queue) };
}

/** Asks for the seat, or again for the claim that the same job has already: it counts as a heartbeat then, and changes nothing else. */
export function acquireSeat(before: Seat, request: AcquireRequest, now: Instant, terms: SeatTerms): Moved {
  const { seat, ended } = settleSeat(before, now, terms);
  const known = tokenOf(seat, request);
  if (known !== null) return { seat: beat(attempted(seat, known, request.attempt), known, now, terms), ended };
  const claim: Claim = {
    holder: request.holder,
    pipeline: request.pipeline,
    ticket: request.ticket,
    job: request.job,
    token: request.token,
    askedAt: now,
    lease: Math.min(request.lease ?? terms.lease, terms.longest),
    beatBy: now + terms.heartbeat,
    until: now + Math.min(Math.max(1, request.wait), terms.longestWait),
    grantedAt: null,
    ...(request.attempt === undefined ? {} : { attempt: request.attempt }),
  };
  const asked = request.place === 'front' ? { ...seat, front: [...seat.front, claim] } : { ...seat, queue: [...seat.queue, claim] };
  const granted = grant(asked, now, terms);
  // Whoever does not want to wait is not left in the queue.
  if (request.wait > 0 || standingOf(granted, claim.token).kind === 'granted') return { seat: granted, ended };
  return { seat, ended };
}

/** A claim with the newest attempt that has asked for it. */
function attempted(seat: Seat, token: string, attempt: number | undefined): Seat {
  if (attempt === undefined) return seat;
  const raised = (list: readonly Claim[]): readonly Claim[] =>
    list.map((claim) => (claim.token === token ? { ...claim, attempt: Math.max(claim.attempt ?? attempt, attempt) } : claim));
  return { ...seat, held: raised(seat.held), front: raised(seat.front), queue: raised(seat.queue) };
}

/** Whether an attempt may give a claim back: a newer one of the same activity has the same claim, and may be at work under it. */
export const mayRelease = (seat: Seat, token: string, attempt: number | undefined): boolean => {
  const claim = claims(seat).find((one) => one.token === token);
  return attempt === undefined || claim?.attempt === undefined || claim.attempt <= attempt;
};

/** A holder or waiter says that it is alive. It lengthens no lease and no wait. */
export function beatSeat(before: Seat, token: string, now: Instant, terms: SeatTerms): Moved {
  const { seat, ended } = settleSeat(before, now, terms);
  return { seat: beat(seat, token, now, terms), ended };
}

function beat(seat: Seat, token: string, now: Instant, terms: SeatTerms): Seat {
  const alive = (list: readonly Claim[]): readonly Claim[] =>
    list.map((claim) => (claim.token === token ? { ...claim, beatBy: now + terms.heartbeat } : claim));
  return { ...seat, held: alive(seat.held), front: alive(seat.front), queue: alive(seat.queue) };
}

/** Gives the seat back, or leaves the queue. Of a claim that is gone already: nothing, so that it may be said twice. */
export function releaseSeat(before: Seat, token: string, end: 'released' | 'forced', now: Instant, terms: SeatTerms): Moved {
  const { seat, ended } = settleSeat(before, now, terms);
  const claim = claims(seat).find((one) => one.token === token);
  if (claim === undefined) return { seat, ended };
  const without = (list: readonly Claim[]): readonly Claim[] => list.filter((one) => one !== claim);
  const left = { ...seat, held: without(seat.held), front: without(seat.front), queue: without(seat.queue) };
  const use = useOf(seat.node, claim, now, end === 'released' && claim.grantedAt === null ? 'left' : end);
  return { seat: grant(left, now, terms), ended: [...ended, use] };
}

/** Another number of seats. Fewer take effect as holders end: nobody is driven out. */
export function resizeSeat(before: Seat, capacity: number, now: Instant, terms: SeatTerms): Moved {
  return settleSeat({ ...before, capacity }, now, terms);
}

/** @returns where a claim stands; positions count from 1 */
export function standingOf(seat: Seat, token: string): Standing {
  const held = seat.held.find((claim) => claim.token === token);
  if (held !== undefined) {
    const { grantedAt, askedAt, until, beatBy } = held;
    return { kind: 'granted', token, grantedAt: grantedAt ?? askedAt, until, beatBy };
  }
  const index = waiting(seat).findIndex((claim) => claim.token === token);
  const queued = waiting(seat)[index];
  return queued === undefined
    ? { kind: 'gone' }
    : { kind: 'queued', token, position: index + 1, until: queued.until, beatBy: queued.beatBy };
}

/** When something ends by itself next; null: nothing does. */
export function nextEnd(seat: Seat): Instant | null {
  const ends = claims(seat).map((claim) => Math.min(claim.until, claim.beatBy));
  return ends.length === 0 ? null : Math.min(...ends);
}

const useOf = (node: NodeName, claim: Claim, endedAt: Instant, end: SeatEnd): SeatUse => ({
  node,
  holder: claim.holder,
  pipeline: claim.pipeline,
  ticket: claim.ticket,
  job: claim.job,
  token: claim.token,
  askedAt: claim.askedAt,
  grantedAt: claim.grantedAt,
  endedAt,
  end,
});

/** A claim as anybody may see it: without its token, which is its holder's alone. */
export type PublicClaim = Claimant & Pick<Claim, 'askedAt' | 'grantedAt' | 'until'>;

export interface SeatView {
  readonly node: NodeName;
  readonly capacity: number;
  readonly held: readonly PublicClaim[];
  readonly waiting: readonly PublicClaim[];
}

export function seatView(seat: Seat): SeatView {
  const show = ({ holder, pipeline, ticket, job, askedAt, grantedAt, until }: Claim): PublicClaim => ({
    holder,
    pipeline,
    ticket,
    job,
    askedAt,
    grantedAt,
    until,
  });
  return { node: seat.node, capacity: seat.capacity, held: seat.held.map(show), waiting: waiting(seat).map(show) };
}

/** The token of the claim that a job has here; null: none. */
export const tokenOf = (seat: Seat, { holder, job }: Pick<Claimant, 'holder' | 'job'>): string | null =>
  claims(seat).find((claim) => claim.holder === holder && claim.job === job)?.token ?? null;
