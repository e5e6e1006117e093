import { setTimeout as sleep } from 'node:timers/promises';
import { ResealError } from '../../src/domain/errors.js';
import { theStore, type SpokenPlace } from './out-of-reach.js';

/** How long a change may wait: until when (`performance.now()`), and how long that was when it was asked for, in milliseconds. */
export interface Limit {
  readonly until: number;
  readonly patience: number;
}

/** Less than an activity may take, in milliseconds. */
export const PATIENCE = 60_000;

export type Attempt<T, Why> = { readonly outcome: 'landed'; readonly answer: T } | { readonly outcome: 'missed'; readonly why: Why };

/**
 * Runs `attempt` until it lands, once at least. Time counts from when the change was asked for: whoever queues behind a lock that is left over
 * does not begin to wait when its turn comes.
 * @throws what `tooLong` makes of the last attempt when the time is over
 */
export async function untilLanded<T, Why>(
  limit: Limit,
  attempt: () => Promise<Attempt<T, Why>>,
  tooLong: (last: Why) => Promise<ResealError>,
): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    const result = await attempt();
    if (result.outcome === 'landed') return result.answer;
    if (performance.now() >= limit.until) throw await tooLong(result.why);
    await sleep(Math.min(5 + tries * 2, 50) * (0.5 + Math.random()));
  }
}

/** Others were faster, every time. */
export function busyWithOthers(place: SpokenPlace, patience: number): ResealError {
  const seconds = Math.max(1, Math.round(patience / 1000));
  return new ResealError(
    'STORE_UNREACHABLE',
    `${theStore(place)} was being written by others whenever this change was tried, for ${seconds} s. Look for who writes so much to it, and try again.`,
  );
}
