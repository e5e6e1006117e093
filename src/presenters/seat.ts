import type { PublicBooking, PublicClaim, SeatView, Standing } from '../domain/seats/seat.js';
import type { UsageBy, UsageRow } from '../domain/seats/usage.js';

const iso = (at: number): string => new Date(at).toISOString();

export interface SeatClaimView {
  readonly holder: string;
  readonly pipeline: string;
  readonly ticket: string;
  readonly job: string;
  readonly askedAt: string;
  readonly grantedAt: string | null;
  /** When the lease, or the wait, is over at the latest. */
  readonly until: string;
}

export interface SeatListView {
  readonly schemaVersion: 1;
  readonly seats: readonly {
    readonly node: string;
    readonly lines: readonly string[];
    readonly capacity: number;
    readonly held: readonly SeatClaimView[];
    /** In the order of their turn. */
    readonly waiting: readonly SeatClaimView[];
    /** In the order of their beginnings. */
    readonly bookings: readonly SeatBookingView[];
  }[];
}

export interface SeatBookingView {
  readonly holder: string;
  readonly pipeline: string;
  readonly ticket: string;
  readonly job: string;
  readonly bookedAt: string;
  readonly from: string;
  readonly until: string;
}

/** A booking that was made; `token` is for who asked alone. */
export interface SeatBookedView {
  readonly schemaVersion: 1;
  readonly node: string;
  readonly token: string;
  readonly holder: string;
  readonly job: string;
  readonly ticket: string;
  readonly from: string;
  readonly until: string;
  /** When it is over unless its job has asked for the seat. */
  readonly claimBy: string;
}

/** Where one claim stands; `token` is for who asked alone. */
export interface SeatStandingView {
  readonly schemaVersion: 1;
  readonly node: string;
  readonly state: Standing['kind'];
  readonly token: string | null;
  /** In the queue, from 1; null where it does not wait. */
  readonly position: number | null;
  readonly until: string | null;
  /** The holder must beat before this. */
  readonly beatBy: string | null;
}

export interface SeatUsageView {
  readonly schemaVersion: 1;
  readonly by: UsageBy;
  readonly since: string;
  readonly rows: readonly {
    readonly day: string;
    readonly name: string;
    readonly heldSeconds: number;
    readonly waitedSeconds: number;
    readonly leases: number;
  }[];
}

const claimView = ({ askedAt, grantedAt, until, ...who }: PublicClaim): SeatClaimView => ({
  ...who,
  askedAt: iso(askedAt),
  grantedAt: grantedAt === null ? null : iso(grantedAt),
  until: iso(until),
});

const bookingView = ({ bookedAt, from, until, ...who }: PublicBooking): SeatBookingView => ({
  ...who,
  bookedAt: iso(bookedAt),
  from: iso(from),
  until: iso(until),
});

export const seatListView = (seats: readonly { readonly view: SeatView; readonly lines: readonly string[] }[]): SeatListView => ({
  schemaVersion: 1,
  seats: seats.map(({ view, lines }) => ({
    node: view.node,
    lines,
    capacity: view.capacity,
    held: view.held.map(claimView),
    waiting: view.waiting.map(claimView),
    bookings: view.bookings.map(bookingView),
  })),
});

export function standingView(node: string, standing: Standing): SeatStandingView {
  const base = { schemaVersion: 1, node, state: standing.kind } as const;
  if (standing.kind === 'gone') return { ...base, token: null, position: null, until: null, beatBy: null };
  const { token, until, beatBy } = standing;
  return { ...base, token, position: standing.kind === 'queued' ? standing.position : null, until: iso(until), beatBy: iso(beatBy) };
}

export const bookedView = (
  node: string,
  {
    from,
    until,
    claimBy,
    ...who
  }: Pick<SeatBookedView, 'token' | 'holder' | 'job' | 'ticket'> & Record<'from' | 'until' | 'claimBy', number>,
): SeatBookedView => ({ schemaVersion: 1, node, ...who, from: iso(from), until: iso(until), claimBy: iso(claimBy) });

export const usageView = (by: UsageBy, since: number, rows: readonly UsageRow[]): SeatUsageView => ({
  schemaVersion: 1,
  by,
  since: iso(since),
  rows: rows.map(({ day, name, held, waited, leases }) => ({
    day,
    name,
    heldSeconds: Math.round(held / 1000),
    waitedSeconds: Math.round(waited / 1000),
    leases,
  })),
});

export interface SeatReleaseView {
  readonly schemaVersion: 1;
  readonly node: string;
  /** False: there was nothing to release any more. */
  readonly released: boolean;
}
