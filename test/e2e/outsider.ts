import { fileURLToPath } from 'node:url';
import { NativeConnection } from '@temporalio/worker';
import { expect } from 'vitest';
import type { NodeName } from '../../src/domain/brands.js';
import { agentQueue } from '../../src/domain/node/routes.js';
import { runWorker, type RunningWorker } from '../../src/temporal/running-worker.js';
import { createResealWorker } from '../../src/temporal/workers.js';
import { testWorkflowBundle } from '../setup/temporal.js';
import { meshTruth } from './node-truth.js';
import type { RotatingMesh } from './rotating-mesh.js';

/** Somebody who may write to Temporal's namespace, with a worker of their own: they schedule what they like, on whichever task queue. */
export class Outsider {
  private constructor(
    private readonly mesh: RotatingMesh,
    private readonly taskQueue: string,
    private readonly worker: RunningWorker,
  ) {}

  static async start(mesh: RotatingMesh): Promise<Outsider> {
    const { address, namespace } = mesh.temporal;
    const connection = await NativeConnection.connect({ address });
    const taskQueue = `${mesh.taskQueue}-outsider`;
    const worker = await createResealWorker({
      connection,
      namespace,
      taskQueue,
      workflowBundle: await testWorkflowBundle(fileURLToPath(new URL('./fixtures/ordering.ts', import.meta.url))),
      activities: {},
    });
    return new Outsider(
      mesh,
      taskQueue,
      runWorker(worker, () => connection.close()),
    );
  }

  /** Has a node with an agent do it; answers why it did not. Nothing on any node is another than before. */
  async refusalOf(node: string, operation: string, order: object): Promise<string> {
    const { mesh, taskQueue } = this;
    const before = meshTruth(mesh);
    const told = await mesh.temporal.client.workflow
      .execute('ordering', {
        workflowId: `attack-${crypto.randomUUID()}`,
        taskQueue,
        args: [agentQueue(mesh.taskQueue, node as NodeName), operation, order],
      })
      .then(
        () => 'it was done',
        (error: unknown) => reasonOf(error),
      );
    expect(meshTruth(mesh)).toEqual(before);
    return told;
  }

  stop(): Promise<void> {
    return this.worker.stop();
  }
}

function reasonOf(error: unknown): string {
  let at = error as { message: string; cause?: unknown };
  while (at.cause instanceof Error) at = at.cause;
  return at.message;
}
