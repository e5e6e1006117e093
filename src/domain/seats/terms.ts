import type { Duration } from '../brands.js';

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
  /** How far ahead seats can be booked. */
  readonly bookAhead: Duration;
  /** A booking that nobody has claimed for so long after its beginning is over. */
  readonly bookingGrace: Duration;
}

/** Who asks. One job of one holder has one claim on a seat, however often it asks. */
export interface Claimant {
  readonly holder: string;
  readonly pipeline: string;
  readonly ticket: string;
  /** With the holder the key of the claim: asking again under it gets the same claim. */
  readonly job: string;
}
