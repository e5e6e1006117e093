import { DefaultLogger, Runtime } from '@temporalio/worker';
import { openLedger } from '../../src/ledger/open.js';
import type { TemporalAddress } from '../../src/temporal/connection.js';
import { startResealWorker } from '../../src/temporal/reseal-worker.js';
import { startFloorWorker, type FloorWorkerRequest } from './floor-worker.js';
import { idleNodes, type NodeWork } from './node-work.js';

export type WorkerOrder =
  | {
      readonly do: 'rotation';
      readonly folder: string;
      readonly database: string;
      readonly temporal: TemporalAddress;
      readonly taskQueue: string;
      /** File of reseal's workflows. */
      readonly bundle: string;
      readonly nodeWork: NodeWork;
    }
  | ({ readonly do: 'floor' } & FloorWorkerRequest)
  | { readonly do: 'usage' }
  | { readonly do: 'stop' };

export type WorkerAnswer = { readonly failed: string } | { readonly failed: null; readonly usage: WorkerUsage };

export interface WorkerUsage {
  /** Most memory that it ever had, in MiB. */
  readonly peakRss: number;
}

const usage = (): WorkerUsage => ({ peakRss: process.resourceUsage().maxRSS / 1024 });

/** What was started, the last first. */
let running: readonly (() => Promise<void>)[] = [];

async function obey(order: WorkerOrder): Promise<void> {
  switch (order.do) {
    case 'rotation': {
      const ledger = await openLedger({ kind: 'embedded', folder: order.database });
      const { folder, temporal, taskQueue, bundle, nodeWork } = order;
      const worker = await startResealWorker({
        ...{ folder, home: folder, ledger, temporal, taskQueue, workflowBundle: { codePath: bundle } },
        ...(nodeWork === 'none' ? { decorate: idleNodes } : {}),
      });
      running = [() => worker.stop(), () => ledger.close(), ...running];
      return;
    }
    case 'floor':
      running = [await startFloorWorker(order), ...running];
      return;
    case 'usage':
      return;
    case 'stop':
      for (const stop of running) await stop();
      running = [];
  }
}

/** The process whose time and memory are the worker's alone: what the driver sends is done in turn, and answered. */
Runtime.install({ logger: new DefaultLogger('WARN') });
let turn: Promise<unknown> = Promise.resolve();

process.on('message', (order: WorkerOrder) => {
  turn = turn
    .then(() => obey(order))
    .then(
      (): WorkerAnswer => ({ failed: null, usage: usage() }),
      (error: unknown): WorkerAnswer => ({ failed: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
    )
    .then((answer) => process.send?.(answer));
});
process.on('disconnect', () => process.exit(0));
