import type { Duration, Instant } from '../brands.js';
import { bookedAt, type Booking, type Span } from './booking.js';
import type { Seat } from './seat.js';
import type { Claimant, SeatTerms } from './terms.js';

export type BookRequest = Omit<Booking, 'bookedAt'>;

/** What becomes of a wish to book. */
export type BookingAnswer =
  | { readonly kind: 'booked'; readonly token: string; readonly from: Instant; readonly until: Instant }
  /** No seat is free all that time. `freeFrom`: when one of that length begins next, within `bookAhead`; null: none does. */
  | { readonly kind: 'taken'; readonly by: readonly Taken[]; readonly freeFrom: Instant | null }
  | { readonly kind: 'too-long'; readonly longest: Duration }
  | { readonly kind: 'too-far'; readonly bookAhead: Duration }
  | { readonly kind: 'past' };

export interface Taken extends Pick<Claimant, 'holder' | 'ticket'> {
  readonly from: Instant;
  readonly until: Instant;
}

/**
 * Books a seat, or again for the job that has a booking already: its new times replace the old ones, if there is room for them. What is held now counts to the
 * end of its lease, whoever waits in the queue does not count.
 */
export function bookSeat(seat: Seat, request: BookRequest, now: Instant, terms: SeatTerms): { seat: Seat; answer: BookingAnswer } {
  const { from, until } = request;
  const answered = (answer: BookingAnswer) => ({ seat, answer });
  if (until <= now || from < now - terms.bookingGrace || until <= from) return answered({ kind: 'past' });
  if (until - from > terms.longest) return answered({ kind: 'too-long', longest: terms.longest });
  if (from - now > terms.bookAhead) return answered({ kind: 'too-far', bookAhead: terms.bookAhead });

  const own = seat.bookings.find((booking) => booking.holder === request.holder && booking.job === request.job);
  const others = seat.bookings.filter((booking) => booking !== own);
  const taken = [...seat.held.map((claim): Taken => ({ ...named(claim), from: now, until: claim.until })), ...others.map(spanOf)];
  if (bookedAt(taken, from, until) >= seat.capacity) {
    const by = taken.filter((span) => span.from < until && span.until > from);
    return answered({ kind: 'taken', by, freeFrom: nextRoom(seat.capacity, taken, request, now + terms.bookAhead) });
  }
  const booking: Booking = { ...request, token: own?.token ?? request.token, bookedAt: now };
  const bookings = [...others, booking].sort((one, other) => one.from - other.from || one.bookedAt - other.bookedAt);
  return { seat: { ...seat, bookings }, answer: { kind: 'booked', token: booking.token, from, until } };
}

const named = ({ holder, ticket }: Pick<Claimant, 'holder' | 'ticket'>) => ({ holder, ticket });
const spanOf = (booking: Booking): Taken => ({ ...named(booking), from: booking.from, until: booking.until });

/** The next beginning, after the wanted one, of a time as long that has a seat free. Room begins where somebody ends. */
function nextRoom(capacity: number, taken: readonly Span[], { from, until }: Span, latest: Instant): Instant | null {
  const starts = taken.map((span) => span.until).filter((at) => at > from && at <= latest);
  const fitting = starts.filter((at) => bookedAt(taken, at, at + until - from) < capacity);
  return fitting.length === 0 ? null : Math.min(...fitting);
}
