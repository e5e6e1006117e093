import type { Instant } from './brands.js';
import type { Calendar } from './policy.js';

const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const MINUTE = 60_000;

interface Local {
  readonly day: string;
  readonly date: string;
  /** Minutes since local midnight. */
  readonly minutes: number;
}

function local(at: Instant, zone: string): Local {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    weekday: 'short',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
  }).formatToParts(new Date(at));
  const part = (type: string): string => parts.find((one) => one.type === type)?.value ?? '';
  return {
    day: part('weekday').toLowerCase(),
    date: `${part('year')}-${part('month')}-${part('day')}`,
    minutes: Number(part('hour')) * 60 + Number(part('minute')),
  };
}

function minutesOf(time: string): number {
  const [hours = '0', minutes = '0'] = time.split(':');
  return Number(hours) * 60 + Number(minutes);
}

/** Whether the calendar is open: a listed weekday, no holiday, local time in `from` (inclusive) to `to` (exclusive). */
export function isOpen(calendar: Calendar, at: Instant): boolean {
  const now = local(at, calendar.zone);
  return (
    calendar.days.includes(now.day) &&
    !calendar.holidays.includes(now.date) &&
    now.minutes >= minutesOf(calendar.from) &&
    now.minutes < minutesOf(calendar.to)
  );
}

/**
 * `at` itself while the calendar is open, else its next opening, to the minute. Looks a year ahead; a calendar that never
 * opens answers `at`, so that a wait stays bounded.
 */
export function nextOpening(calendar: Calendar, at: Instant): Instant {
  if (isOpen(calendar, at)) return at;
  if (!calendar.days.some((day) => DAYS.includes(day)) || minutesOf(calendar.from) >= minutesOf(calendar.to)) return at;
  // Openings are whole minutes and days are at least 23 hours long: step to each following local midnight or opening.
  let time = Math.ceil(at / MINUTE) * MINUTE;
  const limit = at + 366 * 24 * 60 * MINUTE;
  while (time <= limit) {
    if (isOpen(calendar, time)) return time;
    const now = local(time, calendar.zone);
    const opening = minutesOf(calendar.from);
    const ahead = now.minutes < opening ? opening - now.minutes : 24 * 60 - now.minutes;
    time += Math.min(ahead, 60) * MINUTE;
  }
  return at;
}
