import { hostname, userInfo } from 'node:os';
import { parseDuration } from '../domain/duration.js';
import { ResealError } from '../domain/errors.js';

/** Milliseconds of an option's text. @throws ResealError USAGE */
export function durationOf(option: string, text: string): number {
  const ms = parseDuration(text);
  if (ms === null)
    throw new ResealError('USAGE', `${option} is ${JSON.stringify(text)}; it takes an integer and ms, s, m, h or d, like 30m.`);
  return ms;
}

/** USER@HOST. */
export function ownName(): string {
  try {
    return `${userInfo().username}@${hostname()}`;
  } catch {
    // A user without an entry in the system's list, as in containers.
    return hostname();
  }
}
