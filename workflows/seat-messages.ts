import { defineQuery, defineUpdate } from '@temporalio/workflow';
import type { NodeName } from '../src/domain/brands.js';
import type { Asking } from '../src/domain/mandate.js';
import type { BookingAnswer, BookRequest } from '../src/domain/seats/book.js';
import type { AcquireRequest, Seat, SeatUse, SeatView, Standing } from '../src/domain/seats/seat.js';
import type { SeatTerms } from '../src/domain/seats/terms.js';

/** What is declared of the seat now, by who asks: the workflow reads no configuration. */
export interface SeatRules {
  readonly terms: SeatTerms;
  readonly capacity: number;
}

/** Asks for the seat, or again: at once answered with where the claim stands. Nothing waits inside an Update. */
export const acquireUpdate = defineUpdate<Standing, [Omit<AcquireRequest, 'token'> & SeatRules]>('acquire');
/** Books a seat for later, or again with other times. */
export const bookUpdate = defineUpdate<BookingAnswer, [Omit<BookRequest, 'token'> & SeatRules]>('book');
export const heartbeatUpdate = defineUpdate<Standing, [{ readonly token: string }]>('heartbeat');
/** What somebody releases that is another's, and by whose word. */
export type ForcedRelease = Asking & { readonly holder: string; readonly job: string | null };

/** By its token, and of an activity by its attempt; an operator's release names holder and job instead, and is judged. */
export const releaseUpdate = defineUpdate<
  { readonly released: boolean },
  [{ readonly token: string; readonly attempt?: number } | ForcedRelease]
>('release');
export const seatsQuery = defineQuery<SeatView>('seats');
/** Where the claim of this token stands, without a mark in the history. */
export const standingQuery = defineQuery<Standing, [string]>('standing');

export interface SignerSeatInput {
  readonly node: NodeName;
  readonly terms: SeatTerms;
  readonly carried?: { readonly seat: Seat; readonly unrecorded: readonly SeatUse[] };
}
