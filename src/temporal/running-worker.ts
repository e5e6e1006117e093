import type { Worker } from '@temporalio/worker';

export interface RunningWorker {
  readonly worker: Worker;
  /** Rejects when the worker fails, resolves when it has ended. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}
