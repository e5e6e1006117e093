import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from '@temporalio/client';
import { parse, stringify } from 'yaml';
import { loadConfiguration } from '../../../src/configuration/load.js';
import { handoutOf, routesOf } from '../../../src/domain/node/routes.js';
import { createMesh, type SimulatedMesh } from '../../../src/simulator/mesh/create.js';
import { connectClient, connectWorkers, type TemporalAddress } from '../../../src/temporal/connection.js';
import { TASK_QUEUE } from '../../../src/temporal/task-queue.js';
import { bundleWorkflows, createResealWorker } from '../../../src/temporal/workers.js';
import { Editions } from '../editions.js';
import { POLICY } from '../mesh.js';
import { timed, type Contender, type RollingRequest } from './contender.js';
import { startHosts } from './hosts.js';
import type { rolling } from './workflow.js';

const REGION = 'eu-west';
const RESEAL = fileURLToPath(new URL('../../reseal.mjs', import.meta.url));
/** Where workflows of the bench run; nodes have the queues of an installation. */
const BENCH_QUEUE = 'bench-rolling';
/** Node workers of agents share this many processes at most. */
const AGENT_PROCESSES = 8;

/** Nodes that sign nothing: what is compared are files. */
export const rollingMesh = (folder: string, nodes: number): Promise<SimulatedMesh> =>
  createMesh({
    folder,
    nodes: Array.from({ length: nodes }, (_, index) => ({
      ...{ name: `ams-build-${index + 1}`, region: REGION, image: 'tahoe-26.1-b4', roles: ['compile' as const] },
    })),
    policy: POLICY,
    successors: false,
  });

type Document = Record<string, unknown>;

/** Nodes as they would be declared: reached in one way, with mount and state in their homes. */
function declare(mesh: SimulatedMesh, server: TemporalAddress, reach: (node: string) => object, ssh: object): void {
  const edit = (name: string, change: (document: Document) => Document): void => {
    const file = join(mesh.folders.config, name);
    writeFileSync(file, stringify(change(parse(readFileSync(file, 'utf8')) as Document)));
  };
  edit('reseal.yaml', (reseal) => ({ ...reseal, temporal: { address: server.address, namespace: server.namespace }, ssh }));
  edit('topology.yaml', (topology) => ({
    ...topology,
    nodes: (topology['nodes'] as { name: string }[]).map((node) => ({
      ...node,
      ...{ state: '~/reseal/state', mount: '~/reseal/mount', reach: reach(node.name) },
    })),
  }));
}

/** Services that have not been ended: they must not outlive the bench, whatever it fails with. */
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** A service of reseal as an operator starts it. */
class Service {
  private constructor(private readonly child: ChildProcess) {}

  /** Resolves when it has said that it serves. */
  static async start(...args: readonly string[]): Promise<Service> {
    const child = spawn(process.execPath, [RESEAL, ...args], { stdio: ['ignore', 'inherit', 'pipe'] });
    running.add(child);
    child.once('exit', () => running.delete(child));
    let said = '';
    const serves = new Promise<void>((resolve) => {
      child.stderr.on('data', (chunk: Buffer) => {
        said += chunk.toString();
        if (/^Serves /m.test(said)) resolve();
      });
    });
    const gone = once(child, 'exit').then(() => {
      throw new Error(`reseal ${args[0]} ended: ${said}`);
    });
    gone.catch(() => undefined);
    await Promise.race([serves, gone]);
    return new Service(child);
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await ended;
  }
}

/** The gateway of a region, with a connection to each of its hosts that stays open, as Ansible's do. */
export async function overSsh(request: RollingRequest, server: TemporalAddress): Promise<Contender> {
  const mesh = await rollingMesh(join(request.folder, 'mesh'), request.nodes);
  const homes = mesh.nodes.map(({ name }) => ({ name, home: join(mesh.folders.nodes, name) }));
  const hosts = await startHosts(join(request.folder, 'sshd'), homes);
  try {
    const { knownHosts, resealConfig: config, port, user } = hosts;
    const ssh = { knownHosts, config, gateways: 'per-region', connections: request.nodes };
    declare(mesh, server, (host) => ({ kind: 'ssh', host, port, user }), ssh);
    const gateway = await Service.start('worker', '--config', mesh.folders.config, '--gateway', REGION);
    return await driven(request, server, mesh, [gateway], () => hosts.stop());
  } catch (error) {
    await hosts.stop();
    throw error;
  }
}

/** An agent for each node, several of them in one process. */
export async function overAgents(request: RollingRequest, server: TemporalAddress): Promise<Contender> {
  const mesh = await rollingMesh(join(request.folder, 'mesh'), request.nodes);
  declare(mesh, server, () => ({ kind: 'agent' }), {});
  const names = mesh.nodes.map(({ name }) => name);
  const each = Math.ceil(names.length / AGENT_PROCESSES);
  const shares = Array.from({ length: Math.ceil(names.length / each) }, (_, index) => names.slice(index * each, (index + 1) * each));
  const homes = ['--builds-home', join(mesh.folders.nodes, '{node}')];
  const agents = await Promise.all(
    shares.map((share) => Service.start('agent', 'run', '--config', mesh.folders.config, ...homes, '--node', ...share)),
  );
  return driven(request, server, mesh, agents, () => Promise.resolve());
}

/** Workflows on a worker of the bench, node operations by the services of reseal. */
async function driven(
  request: RollingRequest,
  server: TemporalAddress,
  mesh: SimulatedMesh,
  services: readonly Service[],
  /** When all else has ended. */
  after: () => Promise<void>,
): Promise<Contender> {
  const editions = await Editions.open(mesh);
  const { topology, policy, reseal } = loadConfiguration(mesh.folders.config);
  const routes = routesOf(topology.nodes, reseal);
  const { limits } = policy;
  const nodes = topology.nodes.map(({ name }) => {
    const handout = handoutOf(TASK_QUEUE, name, routes, limits);
    if (handout === null) throw new Error(`${name} is served by nobody`);
    return { node: name, handout };
  });
  const { connection, namespace } = await connectWorkers(server);
  const worker = await createResealWorker({
    ...{ connection, namespace, taskQueue: BENCH_QUEUE },
    workflowBundle: await bundleWorkflows(fileURLToPath(new URL('./workflow.ts', import.meta.url))),
  });
  const ended = worker.run();
  const { connection: asking } = await connectClient(server);
  const client = new Client({ connection: asking, namespace });
  let changes = 0;
  const change = async (): Promise<number> => {
    const { order, from, to } = await editions.next();
    // Before the first change the nodes follow no manifest.
    const revertTo = changes++ === 0 ? null : from;
    const input = { nodes, serial: request.serial, order, to, from: revertTo, operationTimeout: limits.nodeOperationTimeout };
    return timed(async () => {
      await client.workflow.execute<typeof rolling>('rolling', { workflowId: order.rotation, taskQueue: BENCH_QUEUE, args: [input] });
    });
  };
  return {
    warm: change,
    change,
    stop: async () => {
      worker.shutdown();
      await ended;
      await asking.close();
      await connection.close();
      await editions.close();
      await Promise.all(services.map((service) => service.stop()));
      await after();
    },
  };
}
