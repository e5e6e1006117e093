import { Context } from '@temporalio/activity';
import { Client } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { Worker } from '@temporalio/worker';
import { createLedgerActivities } from '../../activities/ledger/index.js';
import type { LedgerWrites } from '../../activities/ledger/contract.js';
import { GitManifestStore } from '../../activities/manifest-store/git.js';
import type { ContentStore } from '../../activities/node/frozen-contents.js';
import { createNodeActivities, profileVerifier } from '../../activities/node/index.js';
import { temporalContext } from '../../activities/node/temporal-context.js';
import type { NodeActivities } from '../../activities/node/contract.js';
import { createNotifyActivities } from '../../activities/notify/index.js';
import { createDropSource } from '../../activities/profile-source/drop.js';
import { createRotationActivities } from '../../activities/rotation/activities.js';
import type { Surroundings } from '../../activities/rotation/surroundings.js';
import { ResealError } from '../domain/errors.js';
import { reachNodes } from '../node-shell/reach.js';
import { VerifiedProfiles } from '../profile/index.js';
import { trustedRoots } from '../profile/trusted-roots.js';
import { contentOf } from './content-of-stores.js';
import { configurationReader } from './configuration-reader.js';
import { connectWorkers, type TemporalAddress } from './connection.js';
import { seated } from './seated-nodes.js';
import { Seats } from './seats.js';
import { createResealWorker, resealWorkflows, type WorkflowBundle } from './workers.js';

/** One task queue for workflows and local nodes. */
export const TASK_QUEUE = 'reseal';

export interface OpenSurroundings extends Surroundings {
  readonly content: ContentStore;
  /** Why stores cannot be used now, each in a sentence; empty when all can. */
  storeTroubles(): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** Stores and sources of a configuration folder; configuration itself is read anew whenever it is asked for. */
export async function openSurroundings(folder: string): Promise<OpenSurroundings> {
  const read = configurationReader(folder);
  const configuration = read();
  const profiles = new VerifiedProfiles({ roots: trustedRoots(configuration) });
  const stores = new Map<string, GitManifestStore>();
  for (const [name, store] of Object.entries(configuration.reseal.stores))
    stores.set(name, await GitManifestStore.open({ name, path: store.url, branch: store.branch }));
  return {
    configuration: read,
    store: (name) => named(stores.get(name), 'store', name),
    content: contentOf([...stores.values()]),
    source: (name) => {
      const now = read();
      const source = named(now.reseal.sources[name], 'source', name);
      return createDropSource({ name, folder: source.path, profiles, holders: now.topology.nodes.map((node) => node.name) });
    },
    profiles,
    clock: Date.now,
    storeTroubles: async () => {
      const troubles = await Promise.all([...stores.values()].map((store) => store.trouble()));
      return troubles.flatMap((trouble) => (trouble === null ? [] : [trouble.message]));
    },
    close: async () => {
      for (const store of stores.values()) await store.close();
    },
  };
}

function named<T>(found: T | undefined, what: string, name: string): T {
  if (found === undefined) throw new ResealError('CONFIG_INVALID', `reseal.yaml has no ${what} ${name}.`);
  return found;
}

export interface ResealWorkerRequest {
  readonly folder: string;
  readonly ledger: LedgerWrites;
  readonly temporal: TemporalAddress;
  /** Default: `reseal`. */
  readonly taskQueue?: string;
  readonly workflowBundle?: WorkflowBundle;
  /** Injected faults, for tests. */
  readonly decorate?: (nodes: NodeActivities) => NodeActivities;
}

export interface RunningWorker {
  readonly worker: Worker;
  /** Rejects when the worker fails, resolves when it has ended. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

/** A worker for everything that reseal does: workflows, desk work and local nodes. */
export async function startResealWorker(request: ResealWorkerRequest): Promise<RunningWorker> {
  const around = await openSurroundings(request.folder);
  const { connection, namespace } = await connectWorkers(request.temporal);
  const { limits } = around.configuration().policy;
  const reach = reachNodes(around.configuration().reseal.ssh);
  const nodes = createNodeActivities({
    store: around.content,
    verifier: profileVerifier(around.profiles),
    reach: reach.files,
    ...temporalContext,
  });
  const taskQueue = request.taskQueue ?? TASK_QUEUE;
  const seats = new Seats(new Client({ connection, namespace }), taskQueue);
  const worker = await createResealWorker({
    connection,
    namespace,
    taskQueue,
    workflowBundle: request.workflowBundle ?? (await resealWorkflows()),
    maxActivitiesPerSecond: limits.activitiesPerSecond,
    activities: {
      ...alive(createRotationActivities(around)),
      ...patient(seated(request.decorate?.(nodes) ?? nodes, seats, around.configuration), limits.nodeOfflineAfter),
      ...createLedgerActivities(request.ledger),
      ...createNotifyActivities({ webhooks: around.configuration().reseal.notify.webhooks }),
    },
  });
  const ended = worker.run().finally(async () => {
    await connection.close();
    reach.close();
    await around.close();
  });
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

/** Between two heartbeats of an operation that does not beat by itself; the workflow's limit is 10 s. */
const HEARTBEAT = 3_000;

/** Runs an activity, telling Temporal all the while that it is alive: a worker that dies is missed within seconds, not at the activity's limit. */
async function beating<R>(work: () => Promise<R>): Promise<R> {
  const context = Context.current();
  const timer = setInterval(() => {
    context.heartbeat();
  }, HEARTBEAT);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}

/** Every activity of a set, beating. */
function alive<T extends object>(activities: T): T {
  const wrapped = Object.entries(activities as Record<string, (argument: unknown) => Promise<unknown>>).map(
    ([name, activity]) => [name, (argument: unknown) => beating(() => activity(argument))] as const,
  );
  return Object.fromEntries(wrapped) as T;
}

/** Failures that pass by themselves, for a while: a node that is off, a full disk. */
const PASSING = ['NODE_UNREACHABLE', 'NODE_WRITE_FAILED', 'READ_BACK_FAILED'];

/**
 * Keeps Temporal told that the operation is alive, and gives up on what does not pass: an operation first tried longer than `offlineAfter`
 * milliseconds ago fails for good, under the code it failed with.
 */
export function patient(nodes: NodeActivities, offlineAfter: number): NodeActivities {
  const wrap =
    <A, R>(operation: (argument: A) => Promise<R>) =>
    async (argument: A): Promise<R> => {
      try {
        return await beating(() => operation(argument));
      } catch (error) {
        const givesUp = Date.now() - Context.current().info.scheduledTimestampMs >= offlineAfter;
        if (!givesUp || !(error instanceof ApplicationFailure) || !PASSING.includes(error.type ?? '')) throw error;
        throw ApplicationFailure.create({ message: error.message, type: error.type ?? 'INTERNAL', nonRetryable: true, cause: error });
      }
    };
  return {
    inspectNode: wrap(nodes.inspectNode),
    stageNode: wrap(nodes.stageNode),
    switchNode: wrap(nodes.switchNode),
    retireNode: wrap(nodes.retireNode),
    restoreNode: wrap(nodes.restoreNode),
    unstageNode: wrap(nodes.unstageNode),
    probeNodes: wrap(nodes.probeNodes),
  };
}
