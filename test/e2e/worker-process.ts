import '../setup/quiet-runtime.js';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type LedgerPlace, openLedger } from '../../src/ledger/open.js';
import { startResealWorker } from '../../src/temporal/reseal-worker.js';
import { heldBy } from './every-phase.js';
import { Interference } from './interference.js';

export interface WorkerProcessArguments {
  readonly folder: string;
  readonly address: string;
  readonly namespace: string;
  readonly taskQueue: string;
  readonly codePath: string;
  readonly ledger: LedgerPlace;
  /** Milliseconds before each node operation. */
  readonly slow: number;
  /** Names the operation that waits (`heldBy`). */
  readonly held: string;
}

/** A worker in a process of its own, to be killed: `node --import tsx test/e2e/worker-process.ts '<json>'`. */
const given = JSON.parse(process.argv[2] ?? '{}') as WorkerProcessArguments;
const interference = new Interference();
const held = heldBy(given.held);
interference.before = async (operation) => {
  await sleep(given.slow);
  await held(operation);
};
const running = await startResealWorker({
  folder: given.folder,
  home: dirname(given.folder),
  ledger: await openLedger(given.ledger),
  temporal: { address: given.address, namespace: given.namespace },
  taskQueue: given.taskQueue,
  workflowBundle: { codePath: given.codePath },
  decorate: interference.decorate,
});
process.stdout.write('ready\n');
await running.ended;
