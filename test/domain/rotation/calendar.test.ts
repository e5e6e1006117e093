import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isOpen, nextOpening } from '../../../src/domain/calendar.js';
import type { Calendar } from '../../../src/domain/policy.js';

const MINUTE = 60_000;
const time = (minutes: number): string => `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;

const calendars: fc.Arbitrary<Calendar> = fc
  .record({
    zone: fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Pacific/Auckland', 'Australia/Lord_Howe'),
    days: fc.uniqueArray(fc.constantFrom('mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'), { minLength: 1 }),
    from: fc.integer({ min: 0, max: 22 * 60 }),
    length: fc.integer({ min: 60, max: 24 * 60 }),
    holidays: fc.array(
      fc.integer({ min: 1, max: 28 }).map((day) => `2026-11-${String(day).padStart(2, '0')}`),
      { maxLength: 5 },
    ),
  })
  .map(({ zone, days, from, length, holidays }) => ({
    zone,
    days,
    holidays,
    from: time(from),
    to: time(Math.min(from + length, 23 * 60 + 59)),
  }));
/** All of autumn 2026, both changes of clock among it. */
const instants = fc.integer({ min: Date.parse('2026-09-20T00:00:00Z'), max: Date.parse('2026-12-01T00:00:00Z') });

describe('the next opening of a calendar (R7)', () => {
  it('is open, is not before the instant asked about, and is that instant itself while it is open', () => {
    fc.assert(
      fc.property(calendars, instants, (calendar, at) => {
        const opening = nextOpening(calendar, at);
        expect(isOpen(calendar, opening)).toBe(true);
        expect(opening).toBeGreaterThanOrEqual(at);
        if (isOpen(calendar, at)) expect(opening).toBe(at);
      }),
    );
  });

  it('has nothing open before it', () => {
    fc.assert(
      fc.property(calendars, instants, (calendar, at) => {
        const opening = nextOpening(calendar, at);
        if (opening === at) return;
        // To the minute for two days, then by quarters of an hour: no opening is shorter than an hour.
        for (let before = at; before < opening; before += before - at < 2_880 * MINUTE ? 7 * MINUTE : 15 * MINUTE)
          expect(isOpen(calendar, before)).toBe(false);
        expect(isOpen(calendar, opening - 1)).toBe(false);
      }),
      { numRuns: 60 },
    );
  });

  it('is the instant itself for a calendar that never opens: no wait is unbounded', () => {
    const never: Calendar = { zone: 'UTC', days: ['mon'], from: '10:00', to: '10:00', holidays: [] };
    expect(nextOpening(never, 1_800_000_000_123)).toBe(1_800_000_000_123);
  });
});
