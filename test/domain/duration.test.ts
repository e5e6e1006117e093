import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compactDuration, describeDistance, describeDuration, parseDuration } from '../../src/domain/duration.js';

const DAY = 86_400_000;

describe('a duration', () => {
  it.each([
    ['7d', 7 * DAY],
    ['90m', 90 * 60_000],
    ['500ms', 500],
    ['0s', 0],
  ])('%s is %d ms', (text, ms) => expect(parseDuration(text)).toBe(ms));

  it.each(['', '7', 'd', '7 d', '7D', '-1d', '1.5h', '07d', '1w', '1d1h', '7d\n', '999999999999d'])('%j is none', (text) =>
    expect(parseDuration(text)).toBeNull(),
  );

  it('is read back from its compact form, whatever it is', () => {
    fc.assert(fc.property(fc.nat({ max: Number.MAX_SAFE_INTEGER }), (ms) => parseDuration(compactDuration(ms)) === ms));
  });

  it('has no shorter compact form in a larger unit', () => {
    fc.assert(
      fc.property(
        fc.nat({ max: 5_000 }),
        fc.constantFrom('d', 'h', 'm', 's', 'ms'),
        (count, unit) => compactDuration(parseDuration(`${count}${unit}`)!).length <= `${count}${unit}`.length + 1,
      ),
    );
  });

  it('is never described as longer than it is, nor as shorter by more than a tenth (by a second, below ten)', () => {
    const units: Record<string, number> = { day: DAY, hour: 3_600_000, minute: 60_000, second: 1_000, millisecond: 1 };
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000 * DAY }), (ms) => {
        const words = describeDuration(ms).split(' ');
        let said = 0;
        for (let index = 0; index < words.length; index += 2) said += Number(words[index]) * units[words[index + 1]!.replace(/s$/, '')]!;
        return said <= ms && said > ms * (ms < 10_000 ? 0.5 : 0.9);
      }),
    );
  });

  it.each([
    [6 * DAY, '6 days'],
    [5 * DAY + 23 * 3_600_000 + 59 * 60_000, '5 days 23 hours'],
    [12 * DAY + 5 * 3_600_000, '12 days'],
    [2 * 3_600_000 - 1, '1 hour 59 minutes'],
    [DAY + 4 * 3_600_000, '1 day 4 hours'],
    [90_000, '1 minute 30 seconds'],
    [1_000, '1 second'],
    [0, '0 seconds'],
  ])('%d ms reads %s', (ms, text) => expect(describeDuration(ms)).toBe(text));

  it('has a direction when it is a distance', () => {
    expect(describeDistance(6 * DAY, 0)).toBe('in 6 days');
    expect(describeDistance(0, 3_600_000)).toBe('1 hour ago');
    expect(describeDistance(400, 0)).toBe('now');
  });
});
