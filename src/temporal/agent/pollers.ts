import type { Connection } from '@temporalio/client';
import { ResealError } from '../../domain/errors.js';

export interface Poller {
  readonly identity: string;
  /** Milliseconds since 1970, by the server's clock. */
  readonly seenAt: number;
}

/** A connection of a client, or of a worker. */
export interface QueueReader {
  readonly workflowService: Pick<Connection['workflowService'], 'describeTaskQueue'>;
}

/** `TASK_QUEUE_TYPE_ACTIVITY` of temporal.api.enums.v1; the package that names it comes with the SDK and is not ours to import. */
const ACTIVITIES: object = { taskQueueType: 2 };

/**
 * Who polls a task queue for activities, and when the server last heard of each; it forgets a poller after five minutes.
 * @throws ResealError TEMPORAL_UNREACHABLE
 */
export async function pollersOf(connection: QueueReader, namespace: string, taskQueue: string): Promise<readonly Poller[]> {
  const request = { namespace, taskQueue: { name: taskQueue }, ...ACTIVITIES };
  const { pollers } = await connection.workflowService.describeTaskQueue(request).catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ResealError(
      'TEMPORAL_UNREACHABLE',
      `Temporal does not say who serves ${taskQueue} in namespace ${namespace}: ${reason}. Check the namespace in reseal.yaml, and what these credentials may do.`,
      { cause },
    );
  });
  return pollers.map(({ identity, lastAccessTime }) => ({
    identity: identity ?? '',
    seenAt: Number(lastAccessTime?.seconds ?? 0) * 1000 + Math.floor((lastAccessTime?.nanos ?? 0) / 1_000_000),
  }));
}
