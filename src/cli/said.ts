import { randomBytes } from 'node:crypto';
import { ResealError } from '../domain/errors.js';
import { notPlain } from '../domain/plain-text.js';

/** For how long a statement counts after it was signed: long enough for a hardware key, a slow network, a clock that is off. In milliseconds. */
const VALIDITY = 15 * 60_000;

export interface Said {
  readonly as: string;
  readonly ticket: string;
}

/** What every statement says of who says it, and for how long it counts. */
export const saidNow = ({ as, ticket }: Said, now: number) => ({
  schemaVersion: 1,
  person: as,
  ticket,
  nonce: randomBytes(16).toString('hex'),
  issuedAt: new Date(now).toISOString(),
  expiresAt: new Date(now + VALIDITY).toISOString(),
});

/**
 * For commands that write a store without the control API, which refuses the same: what goes into the store's history is plain.
 * @throws ResealError USAGE naming every option that is not
 */
export function refuseControlCharacters(options: Readonly<Record<string, string>>): void {
  const details = Object.entries(options).flatMap(([option, given]) => {
    const found = notPlain(given);
    return found === null ? [] : [`--${option}: found ${found}, expected a text on one line, without control characters`];
  });
  if (details.length > 0)
    throw new ResealError('USAGE', 'Names and tickets are plain text: they are written into the history of the store.', { details });
}
