import { connectWorkers, type TemporalAddress } from '../../src/temporal/connection.js';
import { createResealWorker } from '../../src/temporal/workers.js';

export interface FloorWorkerRequest {
  readonly temporal: TemporalAddress;
  readonly taskQueue: string;
  /** File of the floor's workflows. */
  readonly bundle: string;
  /** Length of an activity's JSON result, in bytes. */
  readonly resultBytes: number;
  /** The same limit as the rotation's worker has: it is a part of what each activity costs. */
  readonly activitiesPerSecond: number;
}

/** A worker with the options of a rotation's, whose activities do nothing. Answers how to stop it. */
export async function startFloorWorker(request: FloorWorkerRequest): Promise<() => Promise<void>> {
  const { connection, namespace } = await connectWorkers(request.temporal);
  const result = 'x'.repeat(Math.max(0, request.resultBytes - 2));
  const worker = await createResealWorker({
    connection,
    namespace,
    taskQueue: request.taskQueue,
    workflowBundle: { codePath: request.bundle },
    maxActivitiesPerSecond: request.activitiesPerSecond,
    activities: { empty: async () => result },
  });
  const ended = worker.run().finally(() => connection.close());
  return async () => {
    worker.shutdown();
    await ended;
  };
}
