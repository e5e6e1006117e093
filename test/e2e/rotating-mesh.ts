import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, type WorkflowHandle, type WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import { parse, stringify } from 'yaml';
import { loadConfiguration } from '../../src/configuration/load.js';
import type { LineName, PersonId, RotationId } from '../../src/domain/brands.js';
import type { CommandName } from '../../src/domain/rotation/commands.js';
import type { QuestionId } from '../../src/domain/rotation/state.js';
import type { RotationStatus } from '../../src/domain/rotation/status.js';
import { openLedger, type Ledger } from '../../src/ledger/open.js';
import type { LedgerWrites } from '../../activities/ledger/contract.js';
import { startBuilders, type Builders } from '../../src/simulator/builder.js';
import { createMesh, type MeshRequest, type SimulatedMesh } from '../../src/simulator/mesh/create.js';
import { seedNodes } from '../../src/simulator/mesh/seed.js';
import { controlEncoding, type Encoding } from '../../src/temporal/codec/declared.js';
import { startResealWorker, type ResealWorkerRequest } from '../../src/temporal/reseal-worker.js';
import type { RunningWorker } from '../../src/temporal/running-worker.js';
import { openSurroundings, type OpenSurroundings } from '../../src/temporal/surroundings.js';
import { authorityOf, rightsOf } from '../../activities/rotation/surroundings.js';
import type { RotationEnd } from '../../workflows/messages.js';
import type { adoptedRotation } from '../../workflows/adopted-rotation.js';
import type { incidentRollback } from '../../workflows/incident-rollback.js';
import type { rotation } from '../../workflows/rotation.js';
import { copyApple } from '../setup/apple.js';
import { ledgerPlace } from '../setup/ledger-place.js';
import { testConnection, testWorkflowBundle, uniqueTaskQueue, type TestTemporal } from '../setup/temporal.js';
import { until } from '../setup/until.js';
import { temporaryFolder } from '../setup/temporary-folder.js';

/** Waits as short as the product allows, so that a whole rotation takes seconds. */
export const FAST_POLICY = {
  probe: { passes: 2, interval: '20ms', checkTimeout: '5s', inconclusiveFor: '1s' },
  soak: { duration: '300ms', interval: '150ms', floor: '0s' },
  retirement: { secondGate: false, maxBuildDuration: '200ms', overduePinPageEvery: '1m' },
  limits: { stepNodes: 100, activitiesPerSecond: 1000, nodeOperationTimeout: '30s', nodeOfflineAfter: '1s' },
};

export type RotatingMeshRequest = Partial<MeshRequest> &
  Pick<ResealWorkerRequest, 'decorate'> & {
    /** Injected faults of the database, as activities see it. */
    readonly decorateLedger?: (ledger: LedgerWrites) => LedgerWrites;
    /** Where the mesh lies. Default: a temporary folder. */
    readonly folder?: string;
    /** Changes the configuration before anything that it names is opened. */
    readonly declared?: (mesh: SimulatedMesh) => Promise<void>;
    /** Changes the configuration of a mesh whose nodes have their first manifest, before any worker has read it. */
    readonly changed?: (mesh: SimulatedMesh) => Promise<void>;
    /** Default: the server that all tests share. */
    readonly temporal?: TestTemporal;
  };

const encodingOf = ({ configuration, clock }: OpenSurroundings, home: string): Promise<Encoding> =>
  controlEncoding({ configuration, home, env: process.env, now: clock() });

const withEncoding = (temporal: TestTemporal, { ring, dataConverter }: Encoding): TestTemporal => {
  const { connection, namespace } = temporal;
  return ring === null ? temporal : { ...temporal, client: new Client({ connection, namespace, dataConverter }) };
};

/** A simulated mesh with a worker of its own on the shared Temporal server. */
export class RotatingMesh {
  private constructor(
    readonly folder: string,
    readonly mesh: SimulatedMesh,
    public temporal: TestTemporal,
    readonly taskQueue: string,
    readonly ledger: Ledger,
    readonly around: OpenSurroundings,
    private running: RunningWorker,
    private readonly request: ResealWorkerRequest,
  ) {}

  static async start(request: RotatingMeshRequest = {}): Promise<RotatingMesh> {
    const {
      decorate,
      decorateLedger,
      temporal: given,
      folder = temporaryFolder('reseal-mesh'),
      declared,
      changed,
      ...meshRequest
    } = request;
    await copyApple(join(folder, 'apple'));
    const mesh = await createMesh({ folder, ...meshRequest, policy: { ...FAST_POLICY, ...meshRequest.policy } });
    await declared?.(mesh);
    const reached = given ?? (await testConnection());
    const around = await openSurroundings(mesh.folders.config, mesh.folders.root);
    await seedNodes(loadConfiguration(mesh.folders.config), around.store('main'), around.profiles, mesh.line, mesh.manifest);
    await changed?.(mesh);
    const encoding = await encodingOf(around, mesh.folders.root);
    const temporal = withEncoding(reached, encoding);
    const ledger = await openLedger(await ledgerPlace(join(folder, 'database')));
    const taskQueue = uniqueTaskQueue('mesh');
    const workerRequest: ResealWorkerRequest = {
      folder: mesh.folders.config,
      home: mesh.folders.root,
      ledger: decorateLedger === undefined ? ledger : { ...ledger, ...decorateLedger(ledger) },
      temporal: { address: temporal.address, namespace: temporal.namespace },
      taskQueue,
      workflowBundle: await testWorkflowBundle(),
      encoding,
      ...(decorate === undefined ? {} : { decorate }),
    };
    return new RotatingMesh(folder, mesh, temporal, taskQueue, ledger, around, await startResealWorker(workerRequest), workerRequest);
  }

  /** A workflow id of this mesh alone: all tests share one server. */
  get workflowId(): string {
    return `rotation/${this.taskQueue}/${this.mesh.line}`;
  }

  async rotate(
    change: { by?: string; ticket?: string; offset?: number; successors?: readonly string[]; revoked?: string } = {},
  ): Promise<WorkflowHandleWithFirstExecutionRunId<typeof rotation>> {
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
          ...(change.revoked === undefined ? {} : { emergency: { revoked: change.revoked } }),
          policy: configuration.policy,
          rights: rightsOf(configuration),
          authority: authorityOf(configuration, this.mesh.line, change.offset ?? 0),
        },
      ],
    });
  }

  /** As somebody in Temporal's UI does it: children go with it, and what workers have in hand is not waited for. */
  terminate(): Promise<unknown> {
    return this.handle.terminate('by mistake');
  }

  /** Has an orphaned rotation go on, as the API does. */
  async adopt(rotationId: string, change: { by?: string; ticket?: string } = {}): Promise<WorkflowHandle<typeof adoptedRotation>> {
    const asked = {
      rotation: rotationId as RotationId,
      line: this.mesh.line,
      by: (change.by ?? 'rita') as PersonId,
      ticket: change.ticket ?? 'INC-2',
    };
    return this.temporal.client.workflow.start<typeof adoptedRotation>('adoptedRotation', {
      workflowId: this.workflowId,
      taskQueue: this.taskQueue,
      workflowIdConflictPolicy: 'FAIL',
      args: [{ asked }],
    });
  }

  /** Starts the incident rollback of a completed rotation, as the API does. */
  async rollBackCompleted(
    rotationId: string,
    change: { by?: string; offset?: number } = {},
  ): Promise<WorkflowHandle<typeof incidentRollback>> {
    const configuration = loadConfiguration(this.mesh.folders.config);
    const trigger = { kind: 'person', by: (change.by ?? 'ada') as PersonId, ticket: 'INC-1' } as const;
    return this.temporal.client.workflow.start<typeof incidentRollback>('incidentRollback', {
      workflowId: this.workflowId,
      taskQueue: this.taskQueue,
      workflowIdConflictPolicy: 'FAIL',
      args: [
        {
          rotation: rotationId as RotationId,
          request: { line: this.mesh.line, trigger, offset: change.offset ?? 0 },
          policy: configuration.policy,
          rights: rightsOf(configuration),
        },
      ],
    });
  }

  /** Edits policy.yaml as a person would; a rotation in flight has frozen its own. */
  changePolicy(sections: Readonly<Record<string, unknown>>): void {
    const path = join(this.mesh.folders.config, 'policy.yaml');
    writeFileSync(path, stringify({ ...(parse(readFileSync(path, 'utf8')) as object), ...sections }));
  }

  get handle(): WorkflowHandle<typeof rotation> {
    return this.temporal.client.workflow.getHandle<typeof rotation>(this.workflowId);
  }

  status(): Promise<RotationStatus> {
    return this.handle.query<RotationStatus>('status');
  }

  async untilPhase(phase: RotationStatus['phase'], timeout = 90_000): Promise<RotationStatus> {
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

  /** Waits for a status of the kind; the failure shows the last one. */
  async untilStatus(fits: (status: RotationStatus) => boolean, what: string, timeout = 90_000): Promise<RotationStatus> {
    let last: RotationStatus | null = null;
    return until(
      async () => {
        last = await this.status();
        return fits(last) ? last : null;
      },
      { what, timeout },
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}; the rotation is ${JSON.stringify(last, null, 1)}`);
    });
  }

  tell(command: CommandName, by: string, more: Record<string, unknown> = {}): Promise<RotationStatus> {
    return this.handle.executeUpdate<RotationStatus, [unknown]>(command, { args: [{ by, ticket: 'CHG-7', ...more }] });
  }

  /** The gate is open: people can decide. */
  untilGate(): Promise<RotationStatus> {
    return this.untilStatus((status) => status.commands.includes('approve'), 'an open gate');
  }

  untilQuestion(id: QuestionId): Promise<RotationStatus> {
    return this.untilStatus((status) => status.question?.id === id, `the question ${id}`);
  }

  async approve(...people: string[]): Promise<void> {
    const { to } = await this.untilGate();
    for (const person of people) await this.tell('approve', person, { digest: to });
  }

  result(): Promise<RotationEnd> {
    return this.handle.result();
  }

  async stopWorker(): Promise<void> {
    await this.running.stop();
  }

  /** As a process that starts: with the codec keys that there are now. */
  async startWorker(): Promise<void> {
    const encoding = await encodingOf(this.around, this.mesh.folders.root);
    this.temporal = withEncoding(this.temporal, encoding);
    this.running = await startResealWorker({ ...this.request, encoding });
  }

  async restartWorker(): Promise<void> {
    await this.stopWorker();
    await this.startWorker();
  }

  /** Jobs on every node, for as long as the scenario lasts. `maxWait` must leave them time within the policy's longest build. */
  startBuilders(maxWait: number): Builders {
    const { policy, topology } = loadConfiguration(this.mesh.folders.config);
    const [node] = topology.nodes;
    if (node === undefined) throw new Error('a mesh without nodes builds nothing');
    return startBuilders({
      homes: this.mesh.nodes.flatMap(({ name, roles }) => (roles.includes('publisher') ? [] : [this.builderAt(name)])),
      // Where a node is declared with the paths of this machine, its home is part of them.
      mount: node.mount.replace(this.home(node.name), ''),
      line: this.mesh.line,
      folders: node.profileFolders,
      maxWait,
      maxBuildDuration: policy.retirement.maxBuildDuration,
    });
  }

  private builderAt(name: string): { readonly name: string; readonly path: string; readonly profiles?: string } {
    const { topology } = loadConfiguration(this.mesh.folders.config);
    const node = topology.nodes.find((one) => one.name === name);
    const mounted = topology.lines[this.mesh.line]?.distribution === 'mount';
    return {
      name,
      path: this.home(name),
      // As above: a mount may be declared with its home.
      ...(mounted ? { profiles: `${node?.mount.replace(this.home(name), '') ?? ''}/${this.mesh.line}/nodes/${name}/profiles.json` } : {}),
    };
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
