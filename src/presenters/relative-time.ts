const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** `in 6 days`, `3 hours ago`, `now`: whole units, rounded towards the present, so that a deadline never looks further off than it is. */
export function relativeTime(instant: number, now: number): string {
  const distance = Math.abs(instant - now);
  const [unit, name] = distance >= 2 * DAY ? [DAY, 'day'] : distance >= 2 * HOUR ? [HOUR, 'hour'] : [MINUTE, 'minute'];
  const count = Math.floor(distance / unit);
  if (count === 0) return 'now';
  const text = `${count} ${name}${count === 1 ? '' : 's'}`;
  return instant > now ? `in ${text}` : `${text} ago`;
}
