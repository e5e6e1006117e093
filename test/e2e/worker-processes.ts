import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ledgerPlace } from '../setup/ledger-place.js';
import { testWorkflowBundle } from '../setup/temporal.js';
import { Obstacles } from './every-phase.js';
import type { RotatingMesh } from './rotating-mesh.js';
import type { WorkerProcessArguments } from './worker-process.js';

const PROGRAM = fileURLToPath(new URL('worker-process.ts', import.meta.url));

/** Workers of a mesh in processes of their own, one after the other, to be killed. */
export class WorkerProcesses {
  private child: ChildProcess | undefined;
  private started = 0;

  /** @param slow milliseconds before each node operation */
  constructor(
    private readonly mesh: RotatingMesh,
    private readonly slow: number,
  ) {}

  async start(): Promise<void> {
    const { mesh } = this;
    const bundle = await testWorkflowBundle();
    if (!('codePath' in bundle)) throw new Error('the bundle is on disk');
    const given: WorkerProcessArguments = {
      folder: mesh.mesh.folders.config,
      address: mesh.temporal.address,
      namespace: mesh.temporal.namespace,
      taskQueue: mesh.taskQueue,
      codePath: bundle.codePath,
      ledger: await ledgerPlace(join(mesh.folder, `database-${++this.started}`)),
      slow: this.slow,
      held: Obstacles.fileOf(mesh.mesh.folders),
    };
    const child = spawn(process.execPath, ['--import', 'tsx', PROGRAM, JSON.stringify(given)], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.child = child;
    await once(child.stdout, 'data');
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    const { child } = this;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
}
