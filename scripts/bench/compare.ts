import { mkdirSync, rmSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { Client, type WorkflowHandle } from '@temporalio/client';
import { loadConfiguration } from '../../src/configuration/load.js';
import type { LineName, PersonId } from '../../src/domain/brands.js';
import type { SimulatedMesh } from '../../src/simulator/mesh/create.js';
import { LINE } from '../../src/simulator/mesh/spec.js';
import { connectClient } from '../../src/temporal/connection.js';
import { registerSearchAttributes } from '../../src/temporal/search-attributes.js';
import { authorityOf, rightsOf } from '../../activities/rotation/surroundings.js';
import type { RotationEnd } from '../../workflows/messages.js';
import type { rotation } from '../../workflows/rotation.js';
import type { floor } from './floor-workflow.js';
import { readHistories, type Histories } from './histories.js';
import type { Bundles } from './bundles.js';
import { cpuTime } from './cpu-time.js';
import { gateNotices, type GateNotices } from './gate-notices.js';
import { median } from './median.js';
import { dropSuccessors, makeMesh } from './mesh.js';
import type { NodeWork } from './node-work.js';
import { WorkerClient } from './worker-client.js';

export interface ComparisonRequest {
  readonly nodes: number;
  readonly repetitions: number;
  readonly nodeWork: NodeWork;
  /** Its own; removed afterwards. */
  readonly folder: string;
  readonly server: { readonly address: string; readonly pid: number };
  readonly bundles: Bundles;
  readonly deadline: AbortSignal;
  readonly profile: string | null;
  readonly loadBefore: string;
}

export interface Measured {
  readonly seconds: readonly number[];
  /** Activities per second, of the median run. */
  readonly rate: number;
  /** Milliseconds of CPU time per activity, medians: of the worker with the git that it calls, and of the server. */
  readonly workerCpu: number;
  readonly serverCpu: number;
}

export interface Comparison {
  readonly nodes: number;
  readonly nodeWork: NodeWork;
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
  readonly workerCpu: number;
  readonly serverCpu: number;
}

const NAMESPACE = 'bench';
const rotationQueue = ({ nodes }: ComparisonRequest): string => `rotation-${nodes}`;
const floorQueue = ({ nodes }: ComparisonRequest): string => `floor-${nodes}`;
const NODE_ACTIVITIES = ['inspectNode', 'stageNode', 'switchNode', 'retireNode'];

const measured = (runs: readonly Run[], activities: number): Measured => ({
  seconds: runs.map((run) => run.seconds),
  rate: activities / median(runs.map((run) => run.seconds)),
  workerCpu: median(runs.map((run) => run.workerCpu)) / activities,
  serverCpu: median(runs.map((run) => run.serverCpu)) / activities,
});

/** Rotations of a mesh of one size, a floor before and after each. */
export async function compare(request: ComparisonRequest): Promise<Comparison> {
  mkdirSync(request.folder, { recursive: true });
  const { connection } = await connectClient({ address: request.server.address, namespace: NAMESPACE });
  const worker = WorkerClient.start(request.profile);
  try {
    await registerSearchAttributes(connection, NAMESPACE);
    const bench = await Bench.make(request, new Client({ connection, namespace: NAMESPACE }), worker);
    try {
      const result = await bench.compare();
      await worker.order({ do: 'stop' });
      return result;
    } finally {
      bench.gates.stop();
    }
  } finally {
    await worker.end();
    await connection.close();
    rmSync(request.folder, { recursive: true, force: true });
  }
}

class Bench {
  private rotations = 0;
  private floors = 0;

  private constructor(
    private readonly request: ComparisonRequest,
    private readonly client: Client,
    private readonly worker: WorkerClient,
    private readonly mesh: SimulatedMesh,
    readonly gates: GateNotices,
  ) {}

  static async make(request: ComparisonRequest, client: Client, worker: WorkerClient): Promise<Bench> {
    const mesh = await makeMesh(join(request.folder, 'mesh'), request.nodes);
    const gates = await gateNotices(mesh.folders.config);
    await worker.order({
      do: 'rotation',
      folder: mesh.folders.config,
      database: join(request.folder, 'database'),
      temporal: { address: request.server.address, namespace: NAMESPACE },
      taskQueue: rotationQueue(request),
      bundle: request.bundles.reseal,
      nodeWork: request.nodeWork,
    });
    return new Bench(request, client, worker, mesh, gates);
  }

  async compare(): Promise<Comparison> {
    const { nodes, repetitions, loadBefore, server, bundles } = this.request;
    // Unmeasured: warms up the worker, and tells how many activities of which size the floor is made of.
    const { histories: first } = await this.rotation();
    const activities = [...first.byActivity.values()].reduce((total, one) => total + one.scheduled, 0);
    const ofNodes = NODE_ACTIVITIES.flatMap((name) => first.byActivity.get(name) ?? []);
    const scheduled = ofNodes.reduce((total, one) => total + one.scheduled, 0);
    const inputBytes = Math.round(ofNodes.reduce((total, one) => total + one.inputBytes, 0) / scheduled);
    const resultBytes = Math.round(ofNodes.reduce((total, one) => total + one.resultBytes, 0) / scheduled);
    await this.worker.order({
      do: 'floor',
      temporal: { address: server.address, namespace: NAMESPACE },
      taskQueue: floorQueue(this.request),
      bundle: bundles.floor,
      resultBytes,
      activitiesPerSecond: this.configuration.policy.limits.activitiesPerSecond,
    });
    await this.floor(activities, inputBytes);

    const floors = [await this.floor(activities, inputBytes)];
    const rotations: (Run & { readonly histories: Histories })[] = [];
    for (let repetition = 0; repetition < repetitions; repetition++) {
      rotations.push(await this.rotation());
      floors.push(await this.floor(activities, inputBytes));
    }
    const { peakRss } = await this.worker.order({ do: 'usage' });
    const histories = rotations.at(-1)?.histories ?? first;
    const rotation = measured(rotations, activities);
    const floor = measured(floors, activities);
    return {
      nodes,
      nodeWork: this.request.nodeWork,
      activities,
      activitiesPerNode: activities / nodes,
      rotation,
      floor,
      ratio: rotation.rate / floor.rate,
      costPerNode: (median(rotation.seconds) * 1000) / nodes,
      inputBytes,
      resultBytes,
      histories,
      peakRss,
      loadBefore,
    };
  }

  private get configuration(): ReturnType<typeof loadConfiguration> {
    return loadConfiguration(this.mesh.folders.config);
  }

  private async rotation(): Promise<Run & { readonly histories: Histories }> {
    const successors = dropSuccessors(this.mesh, ++this.rotations);
    const { configuration } = this;
    const taskQueue = rotationQueue(this.request);
    const workflowId = `rotation/${taskQueue}/${this.rotations}`;
    let firstRunId = '';
    const run = await this.timed(async () => {
      const started = await this.client.workflow.start<typeof rotation>('rotation', {
        workflowId,
        taskQueue,
        args: [
          {
            line: LINE as LineName,
            trigger: { kind: 'person', by: 'rita' as PersonId, ticket: 'CHG-7' },
            offset: 0,
            successors,
            policy: configuration.policy,
            rights: rightsOf(configuration),
            authority: authorityOf(configuration, LINE as LineName, 0),
          },
        ],
      });
      firstRunId = started.firstExecutionRunId;
      await this.approve(started);
      const end = await this.inTime<RotationEnd>(started.result());
      if (end.outcome !== 'completed') throw new Error(`the rotation ended as ${end.outcome}: ${end.reasons.join('; ')}`);
    });
    return { ...run, histories: await readHistories(this.client, workflowId, firstRunId) };
  }

  private async floor(activities: number, inputBytes: number): Promise<Run> {
    const { limits } = this.configuration.policy;
    const taskQueue = floorQueue(this.request);
    return this.timed(async () => {
      const input = { activities, perChild: limits.stepNodes, inputBytes, operationTimeout: limits.nodeOperationTimeout };
      const handle = await this.client.workflow.start<typeof floor>('floor', {
        workflowId: `${taskQueue}/${++this.floors}`,
        taskQueue,
        args: [input],
      });
      await this.inTime(handle.result());
    });
  }

  private async timed(work: () => Promise<void>): Promise<Run> {
    // What the run before left to be written goes to the disk before the clock starts.
    spawnSync('sync');
    const { pid } = this.request.server;
    const [worker, server] = [cpuTime(this.worker.pid) ?? 0, cpuTime(pid) ?? 0];
    const began = performance.now();
    await work();
    const seconds = (performance.now() - began) / 1000;
    return { seconds, workerCpu: (cpuTime(this.worker.pid) ?? 0) - worker, serverCpu: (cpuTime(pid) ?? 0) - server };
  }

  /** Two people, as soon as they are told. */
  private async approve(handle: WorkflowHandle<typeof rotation>): Promise<void> {
    const { to } = await this.inTime(
      Promise.race([
        this.gates.next(),
        handle.result().then((end: RotationEnd) => {
          throw new Error(`the rotation ended as ${end.outcome} before its gate: ${end.reasons.join('; ')}`);
        }),
      ]),
    );
    for (const by of ['ada', 'grace']) await this.inTime(handle.executeUpdate('approve', { args: [{ by, ticket: 'CHG-7', digest: to }] }));
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
