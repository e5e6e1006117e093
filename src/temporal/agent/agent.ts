import { hostname } from 'node:os';
import type { NativeConnection, Worker } from '@temporalio/worker';
import type { StepHooks } from '../../../activities/node/index.js';
import type { Configuration } from '../../configuration/load.js';
import type { NodeName } from '../../domain/brands.js';
import { nodeAudience } from '../../domain/codec/audience.js';
import { ResealError } from '../../domain/errors.js';
import { agentQueue } from '../../domain/node/routes.js';
import type { NodeDeclaration } from '../../domain/topology.js';
import { throughCanary } from '../../node-shell/canary/client.js';
import { LocalNode } from '../../node-shell/local.js';
import { thisMac, type Place } from '../../node-shell/place.js';
import { reachOnly } from '../../node-shell/reach.js';
import type { AuditLog } from '../../../activities/audit/log.js';
import { audited } from '../audit/audited.js';
import { nodeLog } from '../audit/node-log.js';
import { audienceEncoding, type Encoding } from '../codec/declared.js';
import { connectWorkers, type TemporalAddress } from '../connection.js';
import { nodeService, type NodeService } from '../node-service.js';
import { openNodeSurroundings } from '../node-surroundings.js';
import { TASK_QUEUE } from '../task-queue.js';
import { exchangingSigned } from '../signed-exchange.js';
import { createResealWorker } from '../workers.js';
import { serveHealth, type AgentHealth } from './health.js';
import { identityText, newIdentity, type WorkerIdentity } from '../worker-identity.js';
import { agentBefore, secondAgent } from './only-one.js';
import { pollersOf } from './pollers.js';
import { holdState, type HeldState } from './state.js';

/** What is in flight when an agent is asked to end gets this long, and then as long again to notice that it must; in milliseconds. */
const GRACE = 60_000;
/** How many operations an agent carries out at once: those of several lines, and a look at each meanwhile. */
const AT_ONCE = 8;
/** Between two looks at who else serves the node, in milliseconds. */
const LOOK_EVERY = 30_000;

export interface AgentRequest {
  /** Configuration folder. */
  readonly folder: string;
  /** Of reseal itself on this machine: clones of stores lie there. */
  readonly home: string;
  readonly temporal: TemporalAddress;
  /** Home of the account that builds on this Mac; of several nodes, each its own. */
  readonly nodes: readonly { readonly name: NodeName; readonly home: string }[];
  /** Where the Mac's programs are looked for; undefined: where Apple puts them. */
  readonly path: string | undefined;
  /** Of the health endpoint; 0: a free one. */
  readonly port: number;
  /** The installation's task queue. Default: `reseal`. */
  readonly taskQueue?: string;
  /** Name of this machine among the agents of one node. Default: its host name. */
  readonly host?: string;
  /** Between two looks at who else serves the nodes, in milliseconds. Default: 30 s. */
  readonly lookEvery?: number;
  /** Where codec keys may come from. Default: that of this process. */
  readonly env?: NodeJS.ProcessEnv;
  /** Where a test stops an operation short. */
  readonly hooks?: StepHooks;
}

export interface RunningAgent {
  readonly health: string;
  /** Resolves when it has ended; rejects where it fails, or has found that it is the second one of its node. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

interface ServedNode {
  readonly node: NodeDeclaration;
  readonly place: Place;
  /** Its state folder on this machine. */
  readonly folder: string;
  readonly queue: string;
  readonly state: HeldState;
  readonly encoding: Encoding;
  readonly log: AuditLog;
}

/**
 * Serves nodes of `reach: agent` on this machine: one on a Mac, several only on machines that stand in for a mesh.
 * @throws ResealError SECOND_AGENT, NOT_FOUND, CONFIG_INVALID, TEMPORAL_UNREACHABLE
 */
export async function startAgent(request: AgentRequest): Promise<RunningAgent> {
  const undo: (() => void | Promise<void>)[] = [];
  const end = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    const around = await openNodeSurroundings(request.folder, request.home);
    undo.push(() => around.close());
    const served = await holdNodes(request, around.configuration(), undo);
    const { connection, namespace } = await connectWorkers(request.temporal);
    // Workers that were made and never ran hold on to it, and end with the process: why they never ran is what counts.
    undo.push(() => connection.close().catch(() => undefined));
    const roots = [...new Set(served.flatMap(({ encoding }) => encoding.ring?.roots ?? []))];
    const mine = newIdentity(request.host ?? hostname(), roots);
    ofThisProcess.add(identityText(mine));
    undo.push(() => void ofThisProcess.delete(identityText(mine)));
    const watch = new OnlyOne(connection, namespace, mine, served);
    await watch.look();
    const service = {
      ...{ around, connection, namespace, taskQueue: request.taskQueue ?? TASK_QUEUE },
      ...(request.hooks === undefined ? {} : { hooks: request.hooks }),
    };
    const workers: Worker[] = [];
    const health = await serveHealth(request.port, () => healthOf(served, workers));
    undo.push(() => health.stop());
    workers.push(...(await Promise.all(served.map((one) => createWorker(one, service, mine)))));
    const ended = run(workers, watch, request.lookEvery ?? LOOK_EVERY).finally(end);
    ended.catch(() => undefined);
    for (const { node, state } of served)
      state.publish({ schemaVersion: 1, node: node.name, pid: process.pid, identity: identityText(mine), health: health.url });
    return {
      health: health.url,
      ended,
      stop: async () => {
        shutDown(workers);
        await ended;
      },
    };
  } catch (error) {
    await end();
    throw error;
  }
}

async function holdNodes(
  request: AgentRequest,
  configuration: Configuration,
  undo: (() => void | Promise<void>)[],
): Promise<readonly ServedNode[]> {
  const served: ServedNode[] = [];
  for (const { name, home } of request.nodes) {
    const node = configuration.topology.nodes.find((one) => one.name === name);
    if (node === undefined)
      throw new ResealError('NOT_FOUND', `topology.yaml declares no node ${name}: name one of its nodes with --node.`);
    if (node.reach.kind !== 'agent')
      throw new ResealError(
        'CONFIG_INVALID',
        `Node ${name} is declared with reach: ${node.reach.kind}, so no agent serves it. Declare it with reach: {kind: agent} in topology.yaml.`,
      );
    const { canary } = configuration.reseal.agent;
    const mac = thisMac(home, request.path);
    const place = canary === null ? mac : throughCanary(mac, canary);
    const stateFolder = new LocalNode(name, place).resolve(node.state);
    const state = holdState(name, stateFolder);
    undo.push(() => state.release());
    const encoding = await audienceEncoding(configuration, nodeAudience(name), request.env ?? process.env);
    const { log, close } = nodeLog({ kind: 'agent', name }, stateFolder);
    undo.push(close);
    served.push({ node, place, folder: stateFolder, queue: agentQueue(request.taskQueue ?? TASK_QUEUE, name), state, encoding, log });
  }
  return served;
}

function createWorker(
  { node, place, folder, queue, log, encoding: { dataConverter } }: ServedNode,
  served: Omit<NodeService, 'reach' | 'dataConverter'>,
  mine: WorkerIdentity,
): Promise<Worker> {
  return createResealWorker({
    connection: served.connection,
    namespace: served.namespace,
    taskQueue: queue,
    identity: identityText(mine),
    dataConverter,
    around: [audited(log)],
    activities: exchangingSigned(
      nodeService({ ...served, dataConverter, reach: reachOnly(node.name, place) }),
      folder,
      served.around.content,
    ),
    activityPollers: 1,
    maxConcurrentActivities: AT_ONCE,
    shutdownGraceTime: GRACE,
    shutdownForceTime: 2 * GRACE,
  });
}

/** Runs until a worker ends; then they all do. */
async function run(workers: readonly Worker[], watch: OnlyOne, every: number): Promise<void> {
  const running = workers.map((worker) => worker.run().finally(() => shutDown(workers)));
  const found: ResealError[] = [];
  const timer = setInterval(() => {
    watch.look().catch((error: unknown) => {
      // Temporal being away for a while is the SDK's business; being the second agent is not.
      if (!(error instanceof ResealError && error.code === 'SECOND_AGENT')) return;
      found.push(error);
      shutDown(workers);
    });
  }, every);
  try {
    await Promise.all(running);
  } finally {
    clearInterval(timer);
    await Promise.allSettled(running);
  }
  const [second] = found;
  if (second !== undefined) throw second;
}

function shutDown(workers: readonly Worker[]): void {
  for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
}

const healthOf = (served: readonly ServedNode[], workers: readonly Worker[]): AgentHealth => {
  const nodes = workers.map((worker, position) => {
    const { runState, numInFlightActivities } = worker.getStatus();
    return { node: served[position]?.node.name ?? '', state: runState, inFlight: numInFlightActivities };
  });
  return { schemaVersion: 1, serving: nodes.length > 0 && nodes.every((node) => node.state === 'RUNNING'), pid: process.pid, nodes };
};

/** Looks who else polls for the nodes. */
class OnlyOne {
  private before: ReadonlyMap<string, number> = new Map();

  constructor(
    private readonly connection: NativeConnection,
    private readonly namespace: string,
    private readonly mine: WorkerIdentity,
    private readonly served: readonly ServedNode[],
  ) {}

  /** @throws ResealError SECOND_AGENT */
  async look(): Promise<void> {
    const seen = new Map<string, number>();
    for (const { node, queue } of this.served) {
      const pollers = await pollersOf(this.connection, this.namespace, queue);
      for (const { identity, seenAt } of pollers) seen.set(`${queue} ${identity}`, seenAt);
      const before = new Map(pollers.flatMap(({ identity }) => {
        const last = this.before.get(`${queue} ${identity}`);
        return last === undefined ? [] : [[identity, last] as const];
      })); // prettier-ignore
      const other = agentBefore(pollers, { mine: this.mine, now: Date.now(), isRunning: runsHere, before });
      if (other !== null) throw secondAgent(node.name, other);
    }
    this.before = seen;
  }
}

/** Agents of this very process, as they call themselves. */
const ofThisProcess = new Set<string>();

function runsHere(agent: WorkerIdentity): boolean {
  const { pid } = agent;
  if (pid === process.pid) return ofThisProcess.has(identityText(agent));
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
