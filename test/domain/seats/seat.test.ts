import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NodeName } from '../../../src/domain/brands.js';
import {
  acquireSeat,
  beatSeat,
  emptySeat,
  isIdle,
  mayRelease,
  nextChange,
  releaseSeat,
  resizeSeat,
  seatView,
  settleSeat,
  standingOf,
  type AcquireRequest,
  type Moved,
  type Purpose,
  type Seat,
  type SeatUse,
} from '../../../src/domain/seats/seat.js';
import type { SeatTerms } from '../../../src/domain/seats/terms.js';
import { addUp } from '../../../src/domain/seats/usage.js';

const TERMS: SeatTerms = { lease: 1_000, longest: 4_000, heartbeat: 120, longestWait: 2_000, bookAhead: 50_000, bookingGrace: 300 };
const NODE = 'ams-sign-1' as NodeName;
const FREE = emptySeat(NODE, 1);

const ask = (job: string, more: Partial<AcquireRequest> = {}): AcquireRequest => ({
  holder: 'ci',
  pipeline: 'courier',
  ticket: 'CHG-1',
  job,
  token: `token-${job}`,
  lease: null,
  wait: 1_000,
  purpose: 'job',
  ...more,
});

describe('a seat', () => {
  it('is given to who asks first; the next ones wait in the order in which they came', () => {
    let seat = FREE;
    for (const job of ['a', 'b', 'c']) seat = acquireSeat(seat, ask(job), 0, TERMS).seat;
    expect(['a', 'b', 'c'].map((job) => standingOf(seat, `token-${job}`))).toMatchObject([
      { kind: 'granted', until: 1_000 },
      { kind: 'queued', position: 1 },
      { kind: 'queued', position: 2 },
    ]);
    seat = releaseSeat(seat, 'token-a', 'released', 10, TERMS).seat;
    expect(standingOf(seat, 'token-b')).toMatchObject({ kind: 'granted', grantedAt: 10, until: 1_010 });
    expect(standingOf(seat, 'token-c')).toMatchObject({ kind: 'queued', position: 1 });
  });

  it('asked for twice by one job is one claim, under its first token', () => {
    const once = acquireSeat(FREE, ask('a'), 0, TERMS).seat;
    const twice = acquireSeat(once, ask('a', { token: 'another' }), 50, TERMS).seat;
    expect(twice.held).toMatchObject([{ token: 'token-a', until: 1_000, beatBy: 170 }]);
    expect(twice.queue).toEqual([]);
  });

  it('that a newer attempt of the same activity has is not given back by an older one, and one that an older takes afterwards is', () => {
    const older = acquireSeat(FREE, ask('a', { attempt: 1 }), 0, TERMS).seat;
    const both = acquireSeat(older, ask('a', { attempt: 2, token: 'another' }), 10, TERMS).seat;
    const again = acquireSeat(both, ask('a', { attempt: 1, token: 'late' }), 20, TERMS).seat;
    expect([1, 2].map((attempt) => mayRelease(again, 'token-a', attempt))).toEqual([false, true]);
    const free = releaseSeat(again, 'token-a', 'released', 30, TERMS).seat;
    const late = acquireSeat(free, ask('a', { attempt: 1, token: 'late' }), 40, TERMS).seat;
    expect(late.held).toMatchObject([{ token: 'late', attempt: 1 }]);
    expect(mayRelease(late, 'late', 1)).toBe(true);
    // Who says no attempt is a job, or an operator.
    expect(mayRelease(again, 'token-a', undefined)).toBe(true);
  });

  it('is lost by a holder that is silent, at the moment its time was over, and the next one has it', () => {
    const both = acquireSeat(acquireSeat(FREE, ask('a'), 0, TERMS).seat, ask('b'), 100, TERMS).seat;
    const { seat, ended } = settleSeat(both, 150, TERMS);
    expect(ended).toMatchObject([{ job: 'a', end: 'silent', grantedAt: 0, endedAt: 120 }]);
    expect(standingOf(seat, 'token-b')).toMatchObject({ kind: 'granted', grantedAt: 150 });
  });

  it('is lost at the end of the lease, however often its holder beats, and no lease is longer than the longest', () => {
    let seat = acquireSeat(FREE, ask('a', { lease: 9_999 }), 0, TERMS).seat;
    for (let now = 0; now < 4_000; now += 100) seat = beatSeat(seat, 'token-a', now, TERMS).seat;
    expect(settleSeat(seat, 3_999, TERMS).seat.held).toHaveLength(1);
    expect(settleSeat(seat, 4_000, TERMS).ended).toMatchObject([{ end: 'overdue', endedAt: 4_000 }]);
  });

  it('leaves nobody in the queue who does not want to wait', () => {
    const seat = acquireSeat(FREE, ask('a'), 0, TERMS).seat;
    const { seat: after, ended } = acquireSeat(seat, ask('b', { wait: 0 }), 1, TERMS);
    expect(standingOf(after, 'token-b')).toEqual({ kind: 'gone' });
    expect([after.queue, ended]).toEqual([[], []]);
    expect(standingOf(acquireSeat(FREE, ask('b', { wait: 0 }), 1, TERMS).seat, 'token-b').kind).toBe('granted');
  });

  it('lets a rollback go to the front, behind one that went there before, and drives nobody out', () => {
    let seat = FREE;
    for (const [job, purpose] of [
      ['a', 'job'],
      ['b', 'rotation'],
      ['c', 'return'],
      ['d', 'return'],
    ] as const)
      seat = acquireSeat(seat, ask(job, { purpose }), 0, TERMS).seat;
    expect([...seat.held, ...seat.front, ...seat.queue].map(({ job }) => job)).toEqual(['a', 'c', 'd', 'b']);
  });

  it('is released by its holder alone: another token changes nothing, and a second release neither', () => {
    const seat = acquireSeat(FREE, ask('a'), 0, TERMS).seat;
    expect(releaseSeat(seat, 'token-b', 'released', 1, TERMS)).toEqual({ seat, ended: [] });
    const free = releaseSeat(seat, 'token-a', 'released', 1, TERMS).seat;
    expect(releaseSeat(free, 'token-a', 'released', 2, TERMS)).toEqual({ seat: free, ended: [] });
  });

  it('shows nobody’s token', () => {
    expect(JSON.stringify(seatView(acquireSeat(FREE, ask('a'), 0, TERMS).seat))).not.toContain('token-a');
  });
});

type Act =
  | { readonly kind: 'ask'; readonly job: number; readonly purpose: Purpose; readonly wait: number }
  | { readonly kind: 'beat' | 'release'; readonly job: number }
  | { readonly kind: 'resize'; readonly capacity: number }
  | { readonly kind: 'pass' };

const jobs = fc.integer({ min: 0, max: 7 });
const acts: fc.Arbitrary<{ readonly after: number; readonly act: Act }> = fc.record({
  after: fc.integer({ min: 0, max: 90 }),
  act: fc.oneof<fc.Arbitrary<Act>[]>(
    fc.record({
      kind: fc.constant('ask' as const),
      job: jobs,
      purpose: fc.constantFrom('job' as const, 'job' as const, 'rotation' as const, 'return' as const),
      wait: fc.integer({ min: 0, max: 3_000 }),
    }),
    fc.record({ kind: fc.constantFrom('beat' as const, 'release' as const), job: jobs }),
    fc.record({ kind: fc.constant('resize' as const), capacity: fc.integer({ min: 1, max: 3 }) }),
    fc.constant({ kind: 'pass' as const }),
  ),
});

interface Run {
  readonly seat: Seat;
  readonly now: number;
  readonly ended: readonly SeatUse[];
  readonly asked: ReadonlySet<string>;
}

/** Plays a story, and shows each move to `look`. */
function play(story: readonly { readonly after: number; readonly act: Act }[], look: (before: Seat, after: Moved) => void): Run {
  let run: Run = { seat: FREE, now: 0, ended: [], asked: new Set() };
  const latest = new Map<number, string>();
  story.forEach(({ after, act }, index) => {
    const now = run.now + after;
    const token = 'job' in act ? (latest.get(act.job) ?? 'none') : 'none';
    let moved: Moved;
    switch (act.kind) {
      case 'ask':
        moved = acquireSeat(run.seat, ask(String(act.job), { token: `t${index}`, purpose: act.purpose, wait: act.wait }), now, TERMS);
        if (standingOf(moved.seat, `t${index}`).kind !== 'gone') latest.set(act.job, `t${index}`);
        break;
      case 'beat':
        moved = beatSeat(run.seat, token, now, TERMS);
        break;
      case 'release':
        moved = releaseSeat(run.seat, token, 'released', now, TERMS);
        break;
      case 'resize':
        moved = resizeSeat(run.seat, act.capacity, now, TERMS);
        break;
      case 'pass':
        moved = settleSeat(run.seat, now, TERMS);
    }
    look(run.seat, moved);
    const standing = [...moved.seat.held, ...moved.seat.front, ...moved.seat.queue].map((claim) => claim.token);
    run = { seat: moved.seat, now, ended: [...run.ended, ...moved.ended], asked: new Set([...run.asked, ...standing]) };
  });
  return run;
}

const stories = fc.array(acts, { maxLength: 80 });

describe('whatever happens', () => {
  it('there are never more holders than seats, but those who were there before there were fewer', () => {
    fc.assert(
      fc.property(stories, (story) => {
        play(story, (before, { seat }) => {
          expect(seat.held.length).toBeLessThanOrEqual(Math.max(seat.capacity, before.held.length));
        });
      }),
    );
  });

  it('no seat is free while somebody waits, and nobody is served before one who stands before', () => {
    fc.assert(
      fc.property(stories, (story) => {
        play(story, (before, { seat, ended }) => {
          const left = [...seat.front, ...seat.queue];
          expect(left.length === 0 || seat.held.length >= seat.capacity).toBe(true);
          const gone = new Set(ended.map((use) => use.token));
          const line = [...before.front, ...before.queue].filter((claim) => !gone.has(claim.token)).map((claim) => claim.token);
          const still = line.filter((token) => left.some((claim) => claim.token === token));
          // Those served are the first of the line, so that those who still wait are its last.
          expect(still).toEqual(line.slice(line.length - still.length));
          expect(left.map((claim) => claim.token).filter((token) => line.includes(token))).toEqual(still);
        });
      }),
    );
  });

  it('every claim ends by itself, once, and is accounted for: no seat is lost', () => {
    fc.assert(
      fc.property(stories, (story) => {
        const run = play(story, () => undefined);
        let { seat, now } = run;
        const ended = [...run.ended];
        for (let turns = 0; !isIdle(seat); turns++) {
          expect(turns).toBeLessThan(100);
          now = nextChange(seat, now, TERMS) ?? now;
          const moved = settleSeat(seat, now, TERMS);
          seat = moved.seat;
          ended.push(...moved.ended);
        }
        const tokens = ended.map((use) => use.token);
        expect(new Set(tokens).size).toBe(tokens.length);
        expect(new Set(tokens)).toEqual(run.asked);
        for (const use of ended) {
          expect((use.grantedAt ?? use.endedAt) - use.askedAt).toBeLessThanOrEqual(TERMS.longestWait);
          expect(use.endedAt - (use.grantedAt ?? use.endedAt)).toBeLessThanOrEqual(TERMS.longest);
        }
      }),
    );
  });
});

describe('usage', () => {
  const DAY = 86_400_000;
  const use = (more: Partial<SeatUse>): SeatUse => ({
    node: NODE,
    holder: 'ci',
    pipeline: 'courier',
    ticket: 'CHG-1',
    job: 'a',
    token: 'a',
    askedAt: 0,
    grantedAt: 0,
    endedAt: 0,
    end: 'released',
    ...more,
  });

  it('counts each day’s part of a lease and of a wait on that day, and nothing before the beginning', () => {
    const over = use({ askedAt: DAY - 2_000, grantedAt: DAY - 1_000, endedAt: DAY + 3_000 });
    expect(addUp([over], 'pipeline', 0)).toEqual([
      { day: '1970-01-01', name: 'courier', held: 1_000, waited: 1_000, leases: 1 },
      { day: '1970-01-02', name: 'courier', held: 3_000, waited: 0, leases: 1 },
    ]);
    expect(addUp([over], 'node', DAY)).toEqual([{ day: '1970-01-02', name: NODE, held: 3_000, waited: 0, leases: 1 }]);
  });

  it('adds up to the whole, by whatever it is told apart', () => {
    const uses = fc.array(
      fc.record({
        askedAt: fc.integer({ min: 0, max: 3 * DAY }),
        waited: fc.integer({ min: 0, max: DAY }),
        held: fc.integer({ min: 0, max: 2 * DAY }),
        holder: fc.constantFrom('ci', 'ada'),
        pipeline: fc.constantFrom('courier', 'depot'),
      }),
    );
    fc.assert(
      fc.property(uses, fc.constantFrom('pipeline' as const, 'holder' as const, 'node' as const), (list, by) => {
        const rows = addUp(
          list.map(({ askedAt, waited, held, ...who }) =>
            use({ ...who, askedAt, grantedAt: askedAt + waited, endedAt: askedAt + waited + held }),
          ),
          by,
          0,
        );
        const sum = (pick: (row: (typeof rows)[number]) => number): number => rows.reduce((total, row) => total + pick(row), 0);
        expect(sum((row) => row.held)).toBe(list.reduce((total, { held }) => total + held, 0));
        expect(sum((row) => row.waited)).toBe(list.reduce((total, { waited }) => total + waited, 0));
      }),
    );
  });
});
