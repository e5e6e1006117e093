import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NodeName } from '../../../src/domain/brands.js';
import { bookedAt } from '../../../src/domain/seats/booking.js';
import { bookSeat, type BookRequest } from '../../../src/domain/seats/book.js';
import {
  acquireSeat,
  beatSeat,
  emptySeat,
  isIdle,
  nextChange,
  releaseSeat,
  settleSeat,
  standingOf,
  tokensOf,
  type AcquireRequest,
  type Seat,
} from '../../../src/domain/seats/seat.js';
import type { SeatTerms } from '../../../src/domain/seats/terms.js';

const TERMS: SeatTerms = { lease: 100, longest: 400, heartbeat: 1_000, longestWait: 2_000, bookAhead: 5_000, bookingGrace: 30 };
const FREE = emptySeat('ams-sign-1' as NodeName, 1);

const who = (job: string) => ({ holder: 'ci', pipeline: 'courier', ticket: 'CHG-1', job });
const ask = (job: string, more: Partial<AcquireRequest> = {}): AcquireRequest => ({
  ...who(job),
  token: `claim-${job}`,
  lease: null,
  wait: 1_000,
  purpose: 'job',
  ...more,
});
const wish = (job: string, from: number, until: number): BookRequest => ({ ...who(job), token: `booking-${job}`, from, until });

/** A seat with bookings, made at 0. */
function booked(wishes: readonly BookRequest[], seat: Seat = FREE): Seat {
  return wishes.reduce((before, one) => {
    const { seat: after, answer } = bookSeat(before, one, 0, TERMS);
    expect(answer.kind).toBe('booked');
    return after;
  }, seat);
}

describe('a booking', () => {
  it('gives its job the seat at its beginning, before those who wait, until its end (S12)', () => {
    let seat = booked([wish('nightly', 200, 300)]);
    seat = acquireSeat(seat, ask('other', { lease: 100 }), 150, TERMS).seat;
    expect(standingOf(seat, 'claim-other').kind).toBe('queued');
    seat = acquireSeat(seat, ask('nightly'), 200, TERMS).seat;
    expect(standingOf(seat, 'claim-nightly')).toMatchObject({ kind: 'granted', until: 300 });
    expect(seat.bookings).toEqual([]);
    seat = settleSeat(seat, 300, TERMS).seat;
    expect(standingOf(seat, 'claim-other')).toMatchObject({ kind: 'granted', grantedAt: 300 });
  });

  it('keeps out a lease that would run into it, and lets one pass that is short enough, which keeps nobody waiting for longer', () => {
    let seat = booked([wish('nightly', 200, 300)]);
    seat = acquireSeat(seat, ask('long', { lease: 201 }), 0, TERMS).seat;
    seat = acquireSeat(seat, ask('short', { lease: 200 }), 0, TERMS).seat;
    expect(standingOf(seat, 'claim-long')).toMatchObject({ kind: 'queued', position: 1 });
    expect(standingOf(seat, 'claim-short')).toMatchObject({ kind: 'granted', until: 200 });
  });

  it('is begun early by its job where nobody is in the way, to its own end', () => {
    const seat = booked([wish('nightly', 200, 300)]);
    const early = acquireSeat(seat, ask('nightly'), 150, TERMS).seat;
    expect(standingOf(early, 'claim-nightly')).toMatchObject({ kind: 'granted', until: 300 });
    expect(early.bookings).toEqual([]);
    // Not as early as to hold the seat for longer than anybody may.
    const later = booked([wish('nightly', 700, 800)]);
    expect(acquireSeat(later, ask('nightly'), 100, TERMS).seat.held).toEqual([]);
  });

  it('that nobody claims is over after the grace, and the next in the queue has the seat', () => {
    let seat = booked([wish('nightly', 200, 300)]);
    seat = acquireSeat(seat, ask('other'), 150, TERMS).seat;
    expect(nextChange(seat, 200, TERMS)).toBe(230);
    const { seat: after, ended } = settleSeat(seat, 230, TERMS);
    expect(ended).toMatchObject([{ job: 'nightly', token: 'booking-nightly', end: 'unused', askedAt: 200, grantedAt: null, endedAt: 230 }]);
    expect(standingOf(after, 'claim-other')).toMatchObject({ kind: 'granted', grantedAt: 230 });
  });

  it('does not lapse while its job waits for a rotation to give the seat back', () => {
    let seat = booked([wish('nightly', 200, 300)]);
    seat = acquireSeat(seat, ask('ios-main-7', { purpose: 'rotation', lease: 200 }), 190, TERMS).seat;
    expect(standingOf(seat, 'claim-ios-main-7').kind).toBe('granted');
    seat = acquireSeat(seat, ask('nightly'), 200, TERMS).seat;
    seat = settleSeat(seat, 250, TERMS).seat;
    expect(standingOf(seat, 'claim-nightly').kind).toBe('queued');
    seat = releaseSeat(seat, 'claim-ios-main-7', 'released', 251, TERMS).seat;
    expect(standingOf(seat, 'claim-nightly')).toMatchObject({ kind: 'granted', grantedAt: 251, until: 300 });
  });

  it('holds up neither a rotation nor a return: they need the seat for the minutes of a switch', () => {
    const seat = booked([wish('nightly', 10, 300)]);
    for (const purpose of ['rotation', 'return'] as const)
      expect(standingOf(acquireSeat(seat, ask('switch', { purpose }), 5, TERMS).seat, 'claim-switch').kind).toBe('granted');
  });

  it('is refused where no seat is free all that time; who has it and when one is free next are said', () => {
    const seat = acquireSeat(booked([wish('a', 200, 300), wish('b', 300, 350)]), ask('now', { lease: 150 }), 0, TERMS).seat;
    expect(bookSeat(seat, wish('c', 250, 310), 0, TERMS).answer).toEqual({
      kind: 'taken',
      by: [
        { holder: 'ci', ticket: 'CHG-1', from: 200, until: 300 },
        { holder: 'ci', ticket: 'CHG-1', from: 300, until: 350 },
      ],
      freeFrom: 350,
    });
    expect(bookSeat(seat, wish('c', 100, 160), 0, TERMS).answer).toMatchObject({ kind: 'taken', by: [{ until: 150 }], freeFrom: 350 });
    expect(bookSeat(seat, wish('c', 100, 150), 0, TERMS).answer).toMatchObject({ kind: 'taken', freeFrom: 150 });
  });

  it('is moved by its job, and refused where it is over already, too long, or too far ahead', () => {
    const seat = booked([wish('a', 200, 300)]);
    const moved = bookSeat(seat, { ...wish('a', 250, 350), token: 'another' }, 10, TERMS);
    expect(moved.answer).toEqual({ kind: 'booked', token: 'booking-a', from: 250, until: 350 });
    expect(moved.seat.bookings).toMatchObject([{ from: 250, until: 350 }]);
    expect(bookSeat(seat, wish('c', 900, 1_301), 0, TERMS).answer).toEqual({ kind: 'too-long', longest: 400 });
    expect(bookSeat(seat, wish('c', 5_001, 5_100), 0, TERMS).answer).toEqual({ kind: 'too-far', bookAhead: 5_000 });
    expect(bookSeat(seat, wish('c', 10, 90), 100, TERMS).answer).toEqual({ kind: 'past' });
    expect(bookSeat(seat, wish('c', 90, 90), 10, TERMS).answer).toEqual({ kind: 'past' });
  });

  it('is let go under its token, or with everything that its holder has', () => {
    const seat = acquireSeat(booked([wish('a', 200, 300)]), ask('b', { lease: 300 }), 0, TERMS).seat;
    expect(tokensOf(seat, 'ci', null)).toEqual(['claim-b', 'booking-a']);
    const after = releaseSeat(seat, 'booking-a', 'released', 1, TERMS).seat;
    expect(standingOf(after, 'claim-b').kind).toBe('granted');
  });
});

describe('whatever is booked', () => {
  const wishes = fc.array(fc.record({ from: fc.integer({ min: 1, max: 800 }), length: fc.integer({ min: 1, max: 400 }) }), {
    maxLength: 12,
  });
  const askings = fc.array(
    fc.record({ at: fc.integer({ min: 0, max: 1_000 }), lease: fc.integer({ min: 1, max: 400 }), release: fc.boolean() }),
    { maxLength: 20 },
  );

  it('there are never more bookings at one moment than seats, and a time that is offered can be had', () => {
    fc.assert(
      fc.property(wishes, fc.integer({ min: 1, max: 3 }), (list, capacity) => {
        let seat: Seat = { ...FREE, capacity };
        list.forEach(({ from, length }, index) => {
          const { seat: after, answer } = bookSeat(seat, wish(String(index), from, from + length), 0, TERMS);
          if (answer.kind === 'taken' && answer.freeFrom !== null)
            expect(bookSeat(seat, wish(String(index), answer.freeFrom, answer.freeFrom + length), 0, TERMS).answer.kind).toBe('booked');
          seat = after;
        });
        expect(bookedAt(seat.bookings, 0, 5_000)).toBeLessThanOrEqual(capacity);
      }),
    );
  });

  it('every job that asks at the beginning of its booking has a seat at once, whatever other jobs ask for before', () => {
    fc.assert(
      fc.property(wishes, askings, fc.integer({ min: 1, max: 3 }), (list, others, capacity) => {
        let seat: Seat = { ...FREE, capacity };
        list.forEach(({ from, length }, index) => {
          seat = bookSeat(seat, wish(`booked-${index}`, from, from + length), 0, TERMS).seat;
        });
        const bookings = seat.bookings;
        const asks = [
          ...bookings.map(({ job, from }) => ({ at: from, job, lease: null, release: false })),
          ...others.map(({ at, lease, release }, index) => ({ at, job: `job-${index}`, lease, release })),
        ].sort((one, other) => one.at - other.at);
        for (const { at, job, lease, release } of asks) {
          // Everybody is alive.
          for (const claim of [...seat.held, ...seat.queue]) seat = beatSeat(seat, claim.token, at, TERMS).seat;
          seat = acquireSeat(seat, ask(job, { lease }), at, TERMS).seat;
          if (job.startsWith('booked-')) expect(standingOf(seat, `claim-${job}`)).toMatchObject({ kind: 'granted', grantedAt: at });
          if (release) seat = releaseSeat(seat, `claim-${job}`, 'released', at, TERMS).seat;
        }
      }),
    );
  });

  it('everything ends by itself: no booking is kept for ever', () => {
    fc.assert(
      fc.property(wishes, askings, (list, others) => {
        let seat: Seat = FREE;
        list.forEach(({ from, length }, index) => {
          seat = bookSeat(seat, wish(String(index), from, from + length), 0, TERMS).seat;
        });
        for (const [index, { lease }] of others.entries()) seat = acquireSeat(seat, ask(String(index), { lease }), 0, TERMS).seat;
        let now = 0;
        for (let turns = 0; !isIdle(seat); turns++) {
          expect(turns).toBeLessThan(200);
          const next = nextChange(seat, now, TERMS);
          expect(next).not.toBeNull();
          now = next ?? now;
          seat = settleSeat(seat, now, TERMS).seat;
        }
      }),
    );
  });
});
