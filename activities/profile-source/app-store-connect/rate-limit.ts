/** Requests of an hour, by key: `X-Rate-Limit: user-hour-lim:3500;user-hour-rem:500;`. */
export interface RateLimit {
  readonly limit: number;
  readonly left: number;
}

export function rateLimitOf(header: string | null): RateLimit | null {
  const limit = /user-hour-lim:(\d+)/.exec(header ?? '')?.[1];
  const left = /user-hour-rem:(\d+)/.exec(header ?? '')?.[1];
  return limit === undefined || left === undefined ? null : { limit: Number(limit), left: Number(left) };
}

/** Whether the rest is left to others: a release that uploads with the same key must not wait for what reseal can do later. */
export const isNearlyUsedUp = ({ limit, left }: RateLimit): boolean => left < limit / 20;

/** `Retry-After` in milliseconds: seconds or an HTTP date; null where there is none. */
export function retryAfter(header: string | null, now: number): number | null {
  if (header === null) return null;
  if (/^\d+$/.test(header.trim())) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}
