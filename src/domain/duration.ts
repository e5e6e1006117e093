import type { Duration, Instant } from './brands.js';

const UNITS = [
  { suffix: 'd', ms: 86_400_000, name: 'day' },
  { suffix: 'h', ms: 3_600_000, name: 'hour' },
  { suffix: 'm', ms: 60_000, name: 'minute' },
  { suffix: 's', ms: 1_000, name: 'second' },
  { suffix: 'ms', ms: 1, name: 'millisecond' },
] as const;

/** An integer and `ms|s|m|h|d`, nothing else: `7d`, `90m`, `500ms`. */
export const DURATION_PATTERN = /^(0|[1-9][0-9]*)(ms|s|m|h|d)$/;

/** Milliseconds of `7d`, `90m`, …; null where the text is no duration or too long to count exactly. */
export function parseDuration(text: string): Duration | null {
  const match = DURATION_PATTERN.exec(text);
  const unit = UNITS.find((one) => one.suffix === match?.[2]);
  if (match?.[1] === undefined || unit === undefined) return null;
  const ms = Number(match[1]) * unit.ms;
  return Number.isSafeInteger(ms) ? ms : null;
}

/** The shortest exact form that `parseDuration` reads back: `7d`, `90m`, `1500ms`. For whole, non-negative milliseconds. */
export function compactDuration(duration: Duration): string {
  if (duration === 0) return '0s';
  const unit = UNITS.find((one) => duration % one.ms === 0);
  return unit === undefined ? `${duration}ms` : `${duration / unit.ms}${unit.suffix}`;
}

/**
 * For people: one unit, or two where one alone is coarse: `12 days`, `5 days 23 hours`, `90 seconds` as `1 minute 30 seconds`.
 * What is below is cut off, at most a tenth, so that a time left is never said to be longer than it is.
 */
export function describeDuration(duration: Duration): string {
  const whole = Math.abs(duration);
  const first = UNITS.findIndex((one) => whole >= one.ms);
  const unit = UNITS[first];
  if (unit === undefined) return '0 seconds';
  const count = Math.floor(whole / unit.ms);
  const next = UNITS[first + 1];
  const rest = next === undefined ? 0 : Math.floor((whole - count * unit.ms) / next.ms);
  // From ten of a unit on, the next smaller one says nothing that matters; milliseconds never do beside seconds.
  const withRest = next !== undefined && next.suffix !== 'ms' && rest > 0 && count < 10;
  return withRest ? `${plural(count, unit.name)} ${plural(rest, next.name)}` : plural(count, unit.name);
}

const plural = (count: number, name: string): string => `${count} ${name}${count === 1 ? '' : 's'}`;

/** `in 6 days`, `6 days ago`, `now` (less than a second away). */
export function describeDistance(at: Instant, now: Instant): string {
  const distance = at - now;
  if (Math.abs(distance) < 1_000) return 'now';
  return distance > 0 ? `in ${describeDuration(distance)}` : `${describeDuration(distance)} ago`;
}
