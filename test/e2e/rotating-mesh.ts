import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { WorkflowHandle } from '@temporalio/client';
import { loadConfiguration } from '../../src/configuration/load.js';
import type { LineName, PersonId } from '../../src/domain/brands.js';
import type { CommandName } from '../../src/domain/rotation/commands.js';
import type { RotationStatus } from '../../src/domain/rotation/status.js';
import { openLedger, type Ledger } from '../../src/ledger/open.js';
import { createMesh, type MeshRequest, type SimulatedMesh } from '../../src/simulator/mesh/create.js';
import { seedNodes } from '../../src/simulator/mesh/seed.js';
import { openSurroundings, startResealWorker, type OpenSurroundings, type ResealWorkerRequest, type RunningWorker } from '../../src/temporal/reseal-worker.js';
import { rightsOf } from '../../activities/rotation/surroundings.js';
import type { RotationEnd } from '../../workflows/messages.js';
import type { rotation } from '../../workflows/rotation.js';
import { testConnection, testWorkflowBundle, uniqueTaskQueue, type TestTemporal } from '../setup/temporal.js';
import { until } from '../setup/until.js';

/** Waits as short as the product allows, so that a whole rotation takes seconds. */
export const FAST_POLICY = {
  probe: { passes: 2, interval: '20ms', checkTimeout: '5s', inconclusiveFor: '1s' },
  soak: { duration: '300ms', interval: '150ms', floor: '0s' },
  retirement: { secondGate: false, maxBuildDuration: '200ms', overduePinPageEvery: '1m' },
  limits: { stepNodes: 100, activitiesPerSecond: 1000, nodeOperationTimeout: '30s', nodeOfflineAfter: '1s' },
};

/** A simulated mesh with a worker of its own on the shared Temporal server. */
export class RotatingMesh {
  private constructor(
    readonly folder: string,
    readonly mesh: SimulatedMesh,
    readonly temporal: TestTemporal,
    readonly taskQueue: string,
    readonly ledger: Ledger,
    readonly around: OpenSurroundings,
    private running: RunningWorker,
    private readonly request: ResealWorkerRequest,
  ) {}

  static async start(request: Partial<MeshRequest> & Pick<ResealWorkerRequest, 'decorate'> = {}): Promise<RotatingMesh> {
    const folder = mkdtempSync(join(tmpdir(), 'reseal-mesh-'));
    const { decorate, ...meshRequest } = request;
    const mesh = await createMesh({ folder, ...meshRequest, policy: { ...FAST_POLICY, ...meshRequest.policy } });
    const temporal = await testConnection();
    const around = await openSurroundings(mesh.folders.config);
    await seedNodes(loadConfiguration(mesh.folders.config), around.store('main'), around.profiles, mesh.line, mesh.manifest);
    const ledger = await openLedger({ kind: 'embedded', folder: join(folder, 'database') });
    const taskQueue = uniqueTaskQueue('mesh');
    const workerRequest: ResealWorkerRequest = {
      folder: mesh.folders.config,
      ledger,
      temporal: { address: temporal.address, namespace: temporal.namespace },
      taskQueue,
      workflowBundle: await testWorkflowBundle(),
      ...(decorate === undefined ? {} : { decorate }),
    };
    return new RotatingMesh(folder, mesh, temporal, taskQueue, ledger, around, await startResealWorker(workerRequest), workerRequest);
  }

  /** A workflow id of this mesh alone: all tests share one server. */
  get workflowId(): string {
    return `rotation/${this.taskQueue}/${this.mesh.line}`;
  }

  async rotate(change: { by?: string; ticket?: string; offset?: number; successors?: readonly string[] } = {}): Promise<WorkflowHandle<typeof rotation>> {
    const configuration = loadConfiguration(this.mesh.folders.config);
    return this.temporal.client.workflow.start<typeof rotation>('rotation', {
      workflowId: this.workflowId,
      taskQueue: this.taskQueue,
      workflowIdConflictPolicy: 'FAIL',
      args: [
        {
          line: this.mesh.line,
          trigger: { kind: 'person', by: (change.by ?? 'rita') as PersonId, ticket: change.ticket ?? 'CHG-7' },
          offset: change.offset ?? 0,
          ...(change.successors === undefined ? {} : { successors: change.successors as never }),
          policy: configuration.policy,
          rights: rightsOf(configuration),
        },
      ],
    });
  }

  get handle(): WorkflowHandle<typeof rotation> {
    return this.temporal.client.workflow.getHandle<typeof rotation>(this.workflowId);
  }

  status(): Promise<RotationStatus> {
    return this.handle.query<RotationStatus>('status');
  }

  async untilPhase(phase: RotationStatus['phase'], timeout = 30_000): Promise<RotationStatus> {
    let last: RotationStatus | null = null;
    return until(
      async () => {
        last = await this.status();
        if (last.outcome !== null && last.phase !== phase) throw new Error('it has ended');
        return last.phase === phase ? last : null;
      },
      { what: `phase ${phase}`, timeout },
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}; the rotation is ${JSON.stringify(last, null, 1)}`);
    });
  }

  tell(command: CommandName, by: string, more: Record<string, unknown> = {}): Promise<RotationStatus> {
    return this.handle.executeUpdate<RotationStatus, [unknown]>(command, { args: [{ by, ticket: 'CHG-7', ...more }] });
  }

  async approve(...people: string[]): Promise<void> {
    await this.untilPhase('awaiting-signoff');
    const { to } = await until(async () => {
      const status = await this.status();
      return status.commands.includes('approve') ? status : null;
    });
    for (const person of people) await this.tell('approve', person, { digest: to });
  }

  result(): Promise<RotationEnd> {
    return this.handle.result();
  }

  async restartWorker(): Promise<void> {
    await this.running.stop();
    this.running = await startResealWorker(this.request);
  }

  home(node: string): string {
    return join(this.mesh.folders.nodes, node);
  }

  async stop(): Promise<void> {
    await this.running.stop();
    await this.around.close();
    await this.ledger.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export const line = (name: string): LineName => name as LineName;
