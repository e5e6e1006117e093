import type { Duration, Instant, NodeName } from '../brands.js';
import { bookedAt, bookingEnd, type Booking } from './booking.js';
import type { Claimant, SeatTerms } from './terms.js';

/**
 * What a claim is for. A `job` keeps clear of what others have booked. A `rotation` needs a seat for the minutes of a switch and heeds only who holds one; a
 * `return` to the old assets does too, and goes before everybody who is no return. Nobody who holds a seat is driven out.
 */
export type Purpose = 'job' | 'rotation' | 'return';

export interface Claim extends Claimant {
  readonly purpose: Purpose;
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
  readonly purpose: Purpose;
  /** Of an activity, from 1: an older attempt does not give back what a newer one has. */
  readonly attempt?: number;
}

/** The seats of one node: who holds one, who waits, in the order of their turn, and who has booked one for later. */
export interface Seat {
  readonly node: NodeName;
  readonly capacity: number;
  readonly held: readonly Claim[];
  /** Those who went to the front, before the others. */
  readonly front: readonly Claim[];
  readonly queue: readonly Claim[];
  /** Not claimed yet, in the order of their beginnings. */
  readonly bookings: readonly Booking[];
}

/**
 * How a claim ended. `left`: gave up waiting; `silent`: no heartbeat; `overdue`: the time was over; `forced`: an operator took it; `unused`: a booking that
 * nobody claimed.
 */
export type SeatEnd = 'released' | 'left' | 'silent' | 'overdue' | 'forced' | 'unused';

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

export const emptySeat = (node: NodeName, capacity: number): Seat => ({
  node,
  capacity,
  held: [],
  front: [],
  queue: [],
  bookings: [],
});

const waiting = (seat: Seat): readonly Claim[] => [...seat.front, ...seat.queue];
/** Who holds, then who waits, in the order of their turn. */
export const claims = (seat: Seat): readonly Claim[] => [...seat.held, ...waiting(seat)];

/** Nobody holds, nobody waits and nothing is booked. */
export const isIdle = (seat: Seat): boolean => claims(seat).length === 0 && seat.bookings.length === 0;

/**
 * Brings a seat to `now`: ends the claims and bookings whose time is over, then gives free seats to those whose turn it is. They end at the
 * moment their time was over, not when it was noticed.
 */
export function settleSeat(seat: Seat, now: Instant, terms: SeatTerms): Moved {
  const over = (claim: Claim): boolean => Math.min(claim.until, claim.beatBy) <= now;
  const ended = claims(seat)
    .filter(over)
    .map((claim) => useOf(seat.node, claim, Math.min(claim.until, claim.beatBy), claim.until <= claim.beatBy ? overdue(claim) : 'silent'));
  const stays = (list: readonly Claim[]): readonly Claim[] => list.filter((claim) => !over(claim));
  const left = { ...seat, held: stays(seat.held), front: stays(seat.front), queue: stays(seat.queue) };
  const lapsed = seat.bookings.filter((booking) => endOfBooking(left, booking, terms) <= now);
  const open = { ...left, bookings: seat.bookings.filter((booking) => !lapsed.includes(booking)) };
  const unused = lapsed.map((booking) => unusedOf(seat.node, booking, endOfBooking(left, booking, terms)));
  return { seat: grant(open, now, terms), ended: [...ended, ...unused] };
}

const overdue = (claim: Claim): SeatEnd => (claim.grantedAt === null ? 'left' : 'overdue');

const isFor = (claim: Pick<Claimant, 'holder' | 'job'>, other: Pick<Claimant, 'holder' | 'job'>): boolean =>
  claim.holder === other.holder && claim.job === other.job;

/** A booking whose job waits for its seat, which somebody holds still, does not lapse before its own end. */
const endOfBooking = (seat: Seat, booking: Booking, terms: SeatTerms): Instant =>
  bookingEnd(booking, waiting(seat).some((claim) => isFor(claim, booking)) ? null : terms.bookingGrace);

/** Gives free seats to those whose turn it is, one after the other. */
function grant(before: Seat, now: Instant, terms: SeatTerms): Seat {
  let seat = before;
  for (const claim of inTurn(before, now)) {
    if (seat.held.length >= seat.capacity) break;
    const until = leaseEnd(seat, claim, now, terms);
    if (until === null) continue;
    const granted: Claim = { ...claim, grantedAt: now, until, beatBy: now + terms.heartbeat };
    const others = (list: readonly Claim[]): readonly Claim[] => list.filter((one) => one !== claim);
    seat = {
      ...seat,
      held: [...seat.held, granted],
      front: others(seat.front),
      queue: others(seat.queue),
      bookings: seat.bookings.filter((booking) => !isFor(claim, booking)),
    };
  }
  return seat;
}

/** Returns first, then those whose booking has begun, then the queue. Whose lease would run into a booking is passed over, and keeps its place. */
function inTurn(seat: Seat, now: Instant): readonly Claim[] {
  const begun = seat.queue.filter((claim) => seat.bookings.some((booking) => isFor(claim, booking) && booking.from <= now));
  return [...seat.front, ...begun, ...seat.queue.filter((claim) => !begun.includes(claim))];
}

/** Until when a claim would hold a seat that is free now; null: what others have booked leaves it no room. */
function leaseEnd(seat: Seat, claim: Claim, now: Instant, terms: SeatTerms): Instant | null {
  const lease = now + claim.lease;
  if (claim.purpose !== 'job') return lease;
  const own = seat.bookings.find((booking) => isFor(claim, booking));
  if (own !== undefined && own.from <= now) return own.until;
  // Earlier than booked: to the end of what was booked, where that is not too long.
  const until = own === undefined ? lease : own.until;
  if (until - now > terms.longest) return null;
  const rivals = seat.bookings.filter((booking) => booking !== own);
  return bookedAt([...seat.held.map((held) => ({ from: now, until: held.until })), ...rivals], now, until) < seat.capacity ? until : null;
}

/** Asks for the seat, or again for the claim that the same job has already: it counts as a heartbeat then, and changes nothing else. */
export function acquireSeat(before: Seat, request: AcquireRequest, now: Instant, terms: SeatTerms): Moved {
  const { seat, ended } = settleSeat(before, now, terms);
  const known = tokenOf(seat, request);
  if (known !== null) return { seat: beat(attempted(seat, known, request.attempt), known, now, terms), ended };
  const claim: Claim = {
    purpose: request.purpose,
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
  const asked = request.purpose === 'return' ? { ...seat, front: [...seat.front, claim] } : { ...seat, queue: [...seat.queue, claim] };
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

/** Gives the seat back, leaves the queue, or lets a booking go. Of a claim that is gone already: nothing, so that it may be said twice. */
export function releaseSeat(before: Seat, token: string, end: 'released' | 'forced', now: Instant, terms: SeatTerms): Moved {
  const { seat, ended } = settleSeat(before, now, terms);
  const claim = claims(seat).find((one) => one.token === token);
  if (claim === undefined) return { seat: withoutBooking(seat, token, now, terms), ended };
  const without = (list: readonly Claim[]): readonly Claim[] => list.filter((one) => one !== claim);
  const left = { ...seat, held: without(seat.held), front: without(seat.front), queue: without(seat.queue) };
  const use = useOf(seat.node, claim, now, end === 'released' && claim.grantedAt === null ? 'left' : end);
  return { seat: grant(left, now, terms), ended: [...ended, use] };
}

function withoutBooking(seat: Seat, token: string, now: Instant, terms: SeatTerms): Seat {
  const bookings = seat.bookings.filter((booking) => booking.token !== token);
  return bookings.length === seat.bookings.length ? seat : grant({ ...seat, bookings }, now, terms);
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

/** When something changes by itself next, after `now`; null: nothing does. */
export function nextChange(seat: Seat, now: Instant, terms: SeatTerms): Instant | null {
  const ends = claims(seat).map((claim) => Math.min(claim.until, claim.beatBy));
  const booked = seat.bookings.flatMap((booking) => [booking.from, endOfBooking(seat, booking, terms)]);
  const later = [...ends, ...booked].filter((at) => at > now);
  return later.length === 0 ? null : Math.min(...later);
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

/** It kept the seat free from its beginning on. */
const unusedOf = (node: NodeName, { from, until: _until, bookedAt: _bookedAt, ...who }: Booking, endedAt: Instant): SeatUse => ({
  node,
  ...who,
  askedAt: from,
  grantedAt: null,
  endedAt,
  end: 'unused',
});

/** A claim as anybody may see it: without its token, which is its holder's alone. */
export type PublicClaim = Claimant & Pick<Claim, 'askedAt' | 'grantedAt' | 'until'>;

/** A booking as anybody may see it. */
export type PublicBooking = Omit<Booking, 'token'>;

export interface SeatView {
  readonly node: NodeName;
  readonly capacity: number;
  readonly held: readonly PublicClaim[];
  readonly waiting: readonly PublicClaim[];
  readonly bookings: readonly PublicBooking[];
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
  const bookings = seat.bookings.map(({ token: _token, ...booking }) => booking);
  return { node: seat.node, capacity: seat.capacity, held: seat.held.map(show), waiting: waiting(seat).map(show), bookings };
}

/** The token of the claim that a job has here; null: none. */
export const tokenOf = (seat: Seat, { holder, job }: Pick<Claimant, 'holder' | 'job'>): string | null =>
  claims(seat).find((claim) => isFor(claim, { holder, job }))?.token ?? null;

/** The tokens of everything that a holder has here, or one job of it: claims and bookings. */
export function tokensOf(seat: Seat, holder: string, job: string | null): readonly string[] {
  return [...claims(seat), ...seat.bookings]
    .filter((one) => one.holder === holder && (job === null || one.job === job))
    .map(({ token }) => token);
}

/** Whether there is a claim or a booking of this token. */
export const isKnown = (seat: Seat, token: string): boolean => [...claims(seat), ...seat.bookings].some((one) => one.token === token);
