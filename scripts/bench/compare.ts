import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, type WorkflowHandle } from '@temporalio/client';
import { loadConfiguration } from '../../src/configuration/load.js';
import type { LineName, PersonId } from '../../src/domain/brands.js';
import type { RotationStatus } from '../../src/domain/rotation/status.js';
import { LINE } from '../../src/simulator/mesh/spec.js';
import { connectClient } from '../../src/temporal/connection.js';
import { registerSearchAttributes } from '../../src/temporal/search-attributes.js';
import { rightsOf } from '../../activities/rotation/surroundings.js';
import type { RotationEnd } from '../../workflows/messages.js';
import type { rotation } from '../../workflows/rotation.js';
import type { floor } from './floor-workflow.js';
import { readHistories, type Histories } from './histories.js';
import type { Bundles } from './bundles.js';
import { copyMesh, makeMesh } from './mesh.js';
import { WorkerClient } from './worker-client.js';

export interface ComparisonRequest {
  readonly nodes: number;
  readonly repetitions: number;
  /** Its own; removed afterwards. */
  readonly folder: string;
  readonly address: string;
  readonly bundles: Bundles;
  readonly deadline: AbortSignal;
  readonly profile: string | null;
  readonly loadBefore: string;
}

export interface Measured {
  readonly seconds: readonly number[];
  /** Activities per second, of the median run. */
  readonly rate: number;
  /** Milliseconds of the worker's CPU time per activity, of the median run. */
  readonly cpu: number;
}

export interface Comparison {
  readonly nodes: number;
  readonly activities: number;
  readonly activitiesPerNode: number;
  readonly rotation: Measured;
  readonly floor: Measured;
  readonly ratio: number;
  /** Milliseconds of a rotation's time. */
  readonly costPerNode: number;
  /** Means over the rotation's node activities. */
  readonly inputBytes: number;
  readonly resultBytes: number;
  readonly histories: Histories;
  /** MiB, of the worker's process over all repetitions. */
  readonly peakRss: number;
  readonly loadBefore: string;
}

interface Run {
  readonly seconds: number;
  readonly cpu: number;
}

const NAMESPACE = 'bench';
const NODE_ACTIVITIES = ['inspectNode', 'stageNode', 'switchNode', 'retireNode'];

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

const measured = (runs: readonly Run[], activities: number): Measured => ({
  seconds: runs.map((run) => run.seconds),
  rate: activities / median(runs.map((run) => run.seconds)),
  cpu: median(runs.map((run) => run.cpu)) / activities,
});

/** Rotations of a mesh of one size, a floor before and after each. */
export async function compare(request: ComparisonRequest): Promise<Comparison> {
  mkdirSync(request.folder, { recursive: true });
  const { connection } = await connectClient({ address: request.address, namespace: NAMESPACE });
  const worker = WorkerClient.start(request.profile);
  try {
    await registerSearchAttributes(connection, NAMESPACE);
    return await new Bench(request, new Client({ connection, namespace: NAMESPACE }), worker).compare();
  } finally {
    await worker.end();
    await connection.close();
    rmSync(request.folder, { recursive: true, force: true });
  }
}

class Bench {
  private runs = 0;

  constructor(
    private readonly request: ComparisonRequest,
    private readonly client: Client,
    private readonly worker: WorkerClient,
  ) {}

  async compare(): Promise<Comparison> {
    const { nodes, repetitions, loadBefore } = this.request;
    await makeMesh(this.original, nodes);
    // Unmeasured: compiles the code of both, and tells how many activities of which size the floor is made of.
    const { histories } = await this.rotation();
    const activities = [...histories.byActivity.values()].reduce((total, one) => total + one.scheduled, 0);
    const ofNodes = NODE_ACTIVITIES.flatMap((name) => histories.byActivity.get(name) ?? []);
    const scheduled = ofNodes.reduce((total, one) => total + one.scheduled, 0);
    const inputBytes = Math.round(ofNodes.reduce((total, one) => total + one.inputBytes, 0) / scheduled);
    const resultBytes = Math.round(ofNodes.reduce((total, one) => total + one.resultBytes, 0) / scheduled);
    const runFloor = (): Promise<Run> => this.floor(activities, inputBytes, resultBytes);
    await runFloor();

    const floors = [await runFloor()];
    const rotations: Run[] = [];
    for (let repetition = 0; repetition < repetitions; repetition++) {
      rotations.push(await this.rotation());
      floors.push(await runFloor());
    }
    const { peakRss } = await this.worker.order({ do: 'usage' });
    const rotation = measured(rotations, activities);
    const floor = measured(floors, activities);
    const costPerNode = (median(rotation.seconds) * 1000) / nodes;
    return {
      nodes,
      activities,
      activitiesPerNode: activities / nodes,
      rotation,
      floor,
      ratio: rotation.rate / floor.rate,
      costPerNode,
      inputBytes,
      resultBytes,
      histories,
      peakRss,
      loadBefore,
    };
  }

  private get original(): string {
    return join(this.request.folder, 'original');
  }

  private async rotation(): Promise<Run & { readonly histories: Histories }> {
    const taskQueue = `rotation-${this.request.nodes}-${++this.runs}`;
    const folder = join(this.request.folder, taskQueue);
    const { config, database } = copyMesh(this.original, folder);
    const { policy, ...configuration } = loadConfiguration(config);
    const before = await this.worker.order({
      do: 'rotation',
      folder: config,
      database,
      temporal: this.temporal,
      taskQueue,
      bundle: this.request.bundles.reseal,
    });
    const began = performance.now();
    const handle = await this.client.workflow.start<typeof rotation>('rotation', {
      workflowId: `rotation/${taskQueue}`,
      taskQueue,
      args: [
        {
          line: LINE as LineName,
          trigger: { kind: 'person', by: 'rita' as PersonId, ticket: 'CHG-7' },
          offset: 0,
          policy,
          rights: rightsOf({ policy, ...configuration }),
        },
      ],
    });
    await this.approve(handle);
    const end = await this.inTime<RotationEnd>(handle.result());
    const seconds = (performance.now() - began) / 1000;
    const after = await this.worker.order({ do: 'usage' });
    if (end.outcome !== 'completed') throw new Error(`the rotation ended as ${end.outcome}: ${end.reasons.join('; ')}`);
    await this.worker.order({ do: 'stop' });
    const histories = await readHistories(this.client, handle.workflowId, handle.firstExecutionRunId);
    rmSync(folder, { recursive: true, force: true });
    return { seconds, cpu: after.cpu - before.cpu, histories };
  }

  /** Two people, as soon as they may. */
  private async approve(handle: WorkflowHandle<typeof rotation>): Promise<void> {
    for (;;) {
      const status = await this.inTime(handle.query<RotationStatus>('status'));
      if (status.outcome !== null) throw new Error(`the rotation ended as ${status.outcome}: ${status.reasons.join('; ')}`);
      if (status.question !== null) throw new Error(`the rotation asks ${status.question.id}: ${JSON.stringify(status)}`);
      if (status.commands.includes('approve')) {
        for (const by of ['ada', 'grace'])
          await this.inTime(handle.executeUpdate('approve', { args: [{ by, ticket: 'CHG-7', digest: status.to }] }));
        return;
      }
      await sleep(20, undefined, { signal: this.request.deadline });
    }
  }

  private async floor(activities: number, inputBytes: number, resultBytes: number): Promise<Run> {
    const taskQueue = `floor-${this.request.nodes}-${++this.runs}`;
    const { limits } = loadConfiguration(join(this.original, 'config')).policy;
    const before = await this.worker.order({
      do: 'floor',
      temporal: this.temporal,
      taskQueue,
      bundle: this.request.bundles.floor,
      resultBytes,
      activitiesPerSecond: limits.activitiesPerSecond,
    });
    const began = performance.now();
    const handle = await this.client.workflow.start<typeof floor>('floor', {
      workflowId: taskQueue,
      taskQueue,
      args: [{ activities, perChild: limits.stepNodes, inputBytes, operationTimeout: limits.nodeOperationTimeout }],
    });
    await this.inTime(handle.result());
    const seconds = (performance.now() - began) / 1000;
    const after = await this.worker.order({ do: 'usage' });
    await this.worker.order({ do: 'stop' });
    return { seconds, cpu: after.cpu - before.cpu };
  }

  private get temporal(): { readonly address: string; readonly namespace: string } {
    return { address: this.request.address, namespace: NAMESPACE };
  }

  /** The answer, or a failure once the deadline of the whole run has passed. */
  private async inTime<T>(work: Promise<T>): Promise<T> {
    const { deadline } = this.request;
    deadline.throwIfAborted();
    const settled = new AbortController();
    const late = new Promise<never>((_, reject) => {
      deadline.addEventListener('abort', () => reject(new Error('the deadline of the bench has passed; --deadline SECONDS moves it')), {
        once: true,
        signal: settled.signal,
      });
    });
    try {
      return await Promise.race([work, late]);
    } finally {
      settled.abort();
    }
  }
}
