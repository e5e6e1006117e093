import type { Duration, Instant } from '../brands.js';
import type { Claimant } from './terms.js';

/** A seat that one job will have for a while, later: whoever asks for the seat under the same holder and job gets it then, before the queue. */
export interface Booking extends Claimant {
  /** Who has it may let the booking go; never shown to others. */
  readonly token: string;
  readonly bookedAt: Instant;
  readonly from: Instant;
  readonly until: Instant;
}

/** A time that somebody has a seat, or will have it. */
export type Span = Pick<Booking, 'from' | 'until'>;

/** When a booking is over: at its end, or once nobody has claimed it for `grace` after its beginning. Null: it is being claimed. */
export const bookingEnd = ({ from, until }: Span, grace: Duration | null): Instant =>
  grace === null ? until : Math.min(until, from + grace);

/** How many seats are taken at the fullest moment of `[from, until)`. */
export function bookedAt(spans: readonly Span[], from: Instant, until: Instant): number {
  const during = spans.filter((span) => span.from < until && span.until > from);
  // The fullest moment is where somebody begins.
  const moments = [from, ...during.map((span) => span.from).filter((at) => at > from)];
  return Math.max(...moments.map((at) => during.filter((span) => span.from <= at && span.until > at).length));
}
