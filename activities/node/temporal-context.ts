import { Context } from '@temporalio/activity';
import type { NodeActivityDeps } from './index.js';

/** What node activities ask of Temporal, from the context of the activity that runs. */
export const temporalContext: Pick<NodeActivityDeps, 'attempt' | 'heartbeat' | 'sleep'> = {
  attempt: () => ({ number: Context.current().info.attempt, startedAt: null }),
  heartbeat: (details) => Context.current().heartbeat(details),
  sleep: (milliseconds) => Context.current().sleep(milliseconds),
};
