import { describe, expect, it } from 'vitest';
import { givenUpInWords, isSettled, nextTry, settledInWords } from '../../src/domain/write-back.js';

const SINCE = Date.parse('2026-11-27T10:00:00Z');
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** The instants of all attempts, the failed first one not counted, where each takes no time. */
function tries(): readonly number[] {
  const found: number[] = [];
  for (let at = nextTry(1, SINCE, SINCE); at !== null; at = nextTry(found.length + 1, SINCE, at)) found.push(at);
  return found;
}

describe('successors that a source has not taken (S16)', () => {
  it('are tried with pauses that grow from 10 s to six hours, for two weeks', () => {
    const pauses = tries().map((at, index, all) => at - (all[index - 1] ?? SINCE));
    expect(pauses.slice(0, 4)).toEqual([10_000, 20_000, 40_000, 80_000]);
    expect(pauses).toEqual([...pauses].sort((a, b) => a - b));
    expect(pauses.at(-1)).toBe(6 * HOUR);
    expect(tries().at(-1)).toBeGreaterThan(SINCE + 13 * DAY);
    expect(tries().at(-1)).toBeLessThanOrEqual(SINCE + 14 * DAY);
    // One history of Temporal's holds so many attempts.
    expect(pauses.length).toBeLessThan(100);
  });

  it('are not tried any more after a long pause of everything', () => {
    expect(nextTry(2, SINCE, SINCE + 15 * DAY)).toBeNull();
  });

  it('are settled when all have them, or what is missing does not come into force again', () => {
    const refused = [{ source: 'match', reason: 'It is protected.' }];
    expect(isSettled({ taken: ['match'], notTaken: [], rest: 'none' })).toBe(true);
    expect(isSettled({ taken: ['other'], notTaken: refused, rest: 'none' })).toBe(false);
    expect(isSettled({ taken: ['match'], notTaken: [], rest: 'later' })).toBe(false);
    expect(isSettled({ taken: [], notTaken: [], rest: 'never' })).toBe(true);
  });

  it('are told of in sentences that name rotation and source', () => {
    expect(settledInWords('ios-main-3', { taken: ['match'], notTaken: [], rest: 'none' }, 4)).toBe(
      'the successors of ios-main-3 are in match now, after 4 attempts',
    );
    expect(settledInWords('ios-main-3', { taken: [], notTaken: [], rest: 'never' }, 4)).toContain('not in force');
    expect(settledInWords('ios-main-3', { taken: [], notTaken: [], rest: 'none' }, 4)).toContain('no source of the line takes any');
    expect(givenUpInWords('ios-main-3', { taken: [], notTaken: [{ source: 'match', reason: 'It is protected.' }], rest: 'none' }, 66)).toBe(
      'the successors of ios-main-3 are not in match after 66 attempts in two weeks, and it is not tried any more. It is protected. Put them there with fastlane match import',
    );
  });
});
