import { setTimeout as sleep } from 'node:timers/promises';
import { ResealError } from '../../src/domain/errors.js';
import type { Landing } from '../git/commits.js';
import { leftOverLock } from './left-over-lock.js';
import { theStore, type StorePlace } from './out-of-reach.js';

/** How long a change may wait: until when (`performance.now()`), and how long that was when it was asked for, in milliseconds. */
export interface Limit {
  readonly until: number;
  readonly patience: number;
}

type Attempt<T> = { readonly outcome: 'landed'; readonly answer: T } | Exclude<Landing, { outcome: 'landed' }>;

/**
 * Runs `attempt` until it lands, once at least. Time counts from when the change was asked for: whoever queues behind a lock that is left over
 * does not begin to wait when its turn comes.
 * @throws ResealError STORE_UNREACHABLE when the time is over
 */
export async function untilLanded<T>(place: StorePlace, limit: Limit, attempt: () => Promise<Attempt<T>>): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    const result = await attempt();
    if (result.outcome === 'landed') return result.answer;
    if (performance.now() >= limit.until) throw await tooLong(place, limit.patience, result);
    await sleep(Math.min(5 + tries * 2, 50) * (0.5 + Math.random()));
  }
}

async function tooLong(place: StorePlace, patience: number, last: Exclude<Landing, { outcome: 'landed' }>): Promise<ResealError> {
  const found = last.outcome === 'locked' ? await leftOverLock(last.lock, patience) : null;
  const seconds = Math.max(1, Math.round(patience / 1000));
  return new ResealError(
    'STORE_UNREACHABLE',
    found === null
      ? `${theStore(place)} was being written by others whenever this change was tried, for ${seconds} s. Look for who writes so much to it, and try again.`
      : `${theStore(place)} takes no change: ${found}`,
  );
}
