import type { Instant } from './brands.js';
import { ResealError } from './errors.js';

/** A date that a person has given. @throws ResealError USAGE */
export function givenDate(text: string): Instant {
  const time = Date.parse(text);
  if (Number.isNaN(time))
    throw new ResealError('USAGE', `${JSON.stringify(text)} is no date; give one like 2026-11-29 or 2026-11-29T09:00:00Z.`);
  return time;
}
