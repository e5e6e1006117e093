import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { NodeActivities } from '../../activities/node/contract.js';

/** Between two heartbeats of an operation that does not beat by itself; the workflow's limit is 10 s. */
const HEARTBEAT = 3_000;

/** Runs an activity, telling Temporal all the while that it is alive: a worker that dies is missed within seconds, not at the activity's limit. */
async function beating<R>(work: () => Promise<R>): Promise<R> {
  const context = Context.current();
  const timer = setInterval(() => {
    context.heartbeat();
  }, HEARTBEAT);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}

/** Every activity of a set, beating. */
export function alive<T extends object>(activities: T): T {
  const wrapped = Object.entries(activities as Record<string, (argument: unknown) => Promise<unknown>>).map(
    ([name, activity]) => [name, (argument: unknown) => beating(() => activity(argument))] as const,
  );
  return Object.fromEntries(wrapped) as T;
}

/** Failures that pass by themselves, for a while: a node that is off, a full disk. */
const PASSING = ['NODE_UNREACHABLE', 'NODE_WRITE_FAILED', 'READ_BACK_FAILED'];

/**
 * Keeps Temporal told that the operation is alive, and gives up on what does not pass: an operation first tried longer than `offlineAfter`
 * milliseconds ago fails for good, under the code it failed with.
 */
export function patient(nodes: NodeActivities, offlineAfter: number): NodeActivities {
  const wrap =
    <A, R>(operation: (argument: A) => Promise<R>) =>
    async (argument: A): Promise<R> => {
      try {
        return await beating(() => operation(argument));
      } catch (error) {
        const givesUp = Date.now() - Context.current().info.scheduledTimestampMs >= offlineAfter;
        if (!givesUp || !(error instanceof ApplicationFailure) || !PASSING.includes(error.type ?? '')) throw error;
        throw ApplicationFailure.create({ message: error.message, type: error.type ?? 'INTERNAL', nonRetryable: true, cause: error });
      }
    };
  return {
    inspectNode: wrap(nodes.inspectNode),
    stageNode: wrap(nodes.stageNode),
    switchNode: wrap(nodes.switchNode),
    retireNode: wrap(nodes.retireNode),
    restoreNode: wrap(nodes.restoreNode),
    unstageNode: wrap(nodes.unstageNode),
    purgeNode: wrap(nodes.purgeNode),
    exportIdentity: wrap(nodes.exportIdentity),
    probeNodes: wrap(nodes.probeNodes),
  };
}
