import type { Worker } from '@temporalio/worker';

export interface RunningWorker {
  readonly worker: Worker;
  /** Rejects when the worker fails, resolves when it has ended. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

/** Runs a worker. @param close what it needed, to be let go when it has ended */
export function runWorker(worker: Worker, close: () => Promise<void>): RunningWorker {
  const ended = worker.run().finally(close);
  ended.catch(() => undefined);
  return {
    worker,
    ended,
    stop: async () => {
      if (worker.getState() === 'RUNNING') worker.shutdown();
      await ended;
    },
  };
}
