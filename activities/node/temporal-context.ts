import { Context } from '@temporalio/activity';
import type { NodeActivityDeps } from './index.js';

/**
 * Milliseconds into an attempt from which its heartbeats are sent on. The SDK sends the first one at once, a call to the
 * server of its own that a short activity does not need; one that takes longer is kept alive by the worker's own beat (`patient`) and by the next of these.
 */
const WORTH_A_BEAT = 1_000;

/** What node activities ask of Temporal, from the context of the activity that runs. */
export const temporalContext: Pick<NodeActivityDeps, 'attempt' | 'heartbeat' | 'sleep'> = {
  attempt: () => ({ number: Context.current().info.attempt, startedAt: null }),
  heartbeat: (details) => {
    const context = Context.current();
    if (Date.now() - context.info.currentAttemptScheduledTimestampMs >= WORTH_A_BEAT) context.heartbeat(details);
  },
  sleep: (milliseconds) => Context.current().sleep(milliseconds),
};
