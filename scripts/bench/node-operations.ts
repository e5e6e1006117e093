/**
 * `npm run bench:nodes`: a rotation's four operations on simulated nodes, without Temporal. Tells what a node costs the worker, in time, in CPU
 * and in calls of the operating system.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { NodeActivities } from '../../activities/node/contract.js';
import { createNodeActivities, profileVerifier } from '../../activities/node/index.js';
import { loadConfiguration } from '../../src/configuration/load.js';
import type { NodeName, Sha256 } from '../../src/domain/brands.js';
import type { NodeOrder } from '../../src/domain/node/order.js';
import type { NodeDeclaration } from '../../src/domain/topology.js';
import { realFileSystem, type FileSystem } from '../../src/node-shell/file-system.js';
import { LocalNode } from '../../src/node-shell/local.js';
import { Editions } from './editions.js';
import { median } from './median.js';
import { makeMesh } from './mesh.js';

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '200' },
    repetitions: { type: 'string', default: '3' },
    'at-once': { type: 'string', default: '100' },
    help: { type: 'boolean', default: false },
  },
});

const HELP = `Runs inspect, stage, switch and retire on simulated nodes, outside Temporal.

  --nodes N         default 200
  --repetitions N   measured rounds; one more goes first, which counts the calls   default 3
  --at-once N       nodes side by side, as in a worker   default 100
`;

const OPERATIONS = ['inspect', 'stage', 'switch', 'retire'] as const;
type Operation = (typeof OPERATIONS)[number];

/** Milliseconds per node. */
interface Cost {
  readonly time: number;
  readonly cpu: number;
}

/** Calls of the operating system, by name. */
type Calls = Map<string, number>;

function counting(calls: Calls): FileSystem {
  return new Proxy(realFileSystem, {
    get: (target, name: keyof FileSystem) => {
      calls.set(name, (calls.get(name) ?? 0) + 1);
      return target[name];
    },
  });
}

class Mesh {
  private constructor(
    private readonly editions: Editions,
    private readonly names: readonly NodeName[],
  ) {}

  static async make(folder: string, nodes: number): Promise<Mesh> {
    const mesh = await makeMesh(folder, nodes);
    const { topology } = loadConfiguration(mesh.folders.config);
    return new Mesh(await Editions.open(mesh), topology.nodes.map(({ name }) => name)); // prettier-ignore
  }

  close(): Promise<void> {
    return this.editions.close();
  }

  activities(calls: Calls | null): NodeActivities {
    const reach = (node: NodeDeclaration): LocalNode => {
      if (node.reach.kind !== 'local') throw new Error(`${node.name} is not simulated`);
      return new LocalNode(node.name, node.reach.home, calls === null ? realFileSystem : counting(calls));
    };
    return createNodeActivities({
      store: this.editions.around.store('main'),
      verifier: profileVerifier(this.editions.around.profiles),
      sleep: () => Promise.resolve(),
      attempt: () => ({ number: 1, startedAt: null }),
      heartbeat: () => undefined,
      reach,
    });
  }

  /** All nodes to the next edition of their profiles; `after` each operation. */
  async rotate(nodes: NodeActivities, atOnce: number, after: (operation: Operation, cost: Cost) => void): Promise<void> {
    const { order, from, to } = await this.editions.next();
    for (const operation of OPERATIONS) {
      spawnSync('sync');
      const [cpu, began] = [process.cpuUsage(), performance.now()];
      const now = Date.now();
      const common = { ...order, opId: `${order.rotation}/${operation}`, sentAt: now, notAfter: now + 600_000, offset: 0 };
      await sideBySide(this.names, atOnce, (node) => operate(nodes, operation, { ...common, node }, from, to));
      const used = process.cpuUsage(cpu);
      after(operation, {
        time: (performance.now() - began) / this.names.length,
        cpu: (used.user + used.system) / 1000 / this.names.length,
      });
    }
  }
}

async function operate(nodes: NodeActivities, operation: Operation, order: NodeOrder, from: Sha256, to: Sha256): Promise<void> {
  switch (operation) {
    case 'inspect': {
      const { verdict, problems } = await nodes.inspectNode({ ...order, manifest: from });
      if (verdict !== 'pass') throw new Error(`${order.node}: ${problems.map(({ reason }) => reason).join('; ')}`);
      return;
    }
    case 'stage':
      return done(await nodes.stageNode({ ...order, to }));
    case 'switch':
      return done(await nodes.switchNode({ ...order, target: to, revertTo: from }));
    case 'retire':
      return done(await nodes.retireNode({ ...order, old: from, keep: to }));
  }
}

function done({ node, outcome, reason }: Awaited<ReturnType<NodeActivities['stageNode']>>): void {
  if (outcome !== 'done') throw new Error(`${node}: ${outcome}: ${reason}`);
}

async function sideBySide<T>(all: readonly T[], atOnce: number, work: (one: T) => Promise<void>): Promise<void> {
  const queue = [...all];
  const lane = async (): Promise<void> => {
    for (let one = queue.shift(); one !== undefined; one = queue.shift()) await work(one);
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
}

const ms = (value: number): string => value.toFixed(2).padStart(6);
const row = (name: string, costs: readonly Cost[], more: string): string =>
  `${name.padEnd(8)} ${ms(median(costs.map(({ time }) => time)))} ms  ${ms(median(costs.map(({ cpu }) => cpu)))} ms of CPU   ${more}`;

async function main(): Promise<void> {
  if (values.help) return console.log(HELP);
  const [count, repetitions, atOnce] = [values.nodes, values.repetitions, values['at-once']].map(Number) as [number, number, number];
  const folder = mkdtempSync(join(tmpdir(), 'reseal-bench-nodes-'));
  try {
    const mesh = await Mesh.make(join(folder, 'mesh'), count);
    const calls = new Map<Operation, Calls>();
    const counted: Calls = new Map();
    await mesh.rotate(mesh.activities(counted), atOnce, (operation) => {
      calls.set(operation, new Map(counted));
      counted.clear();
    });
    const nodes = mesh.activities(null);
    const costs = new Map<Operation, Cost[]>(OPERATIONS.map((operation) => [operation, []]));
    const sums: Cost[] = [];
    for (let repetition = 0; repetition < repetitions; repetition++) {
      const round: Cost[] = [];
      await mesh.rotate(nodes, atOnce, (operation, cost) => {
        costs.get(operation)?.push(cost);
        round.push(cost);
      });
      sums.push({ time: round.reduce((sum, { time }) => sum + time, 0), cpu: round.reduce((sum, { cpu }) => sum + cpu, 0) });
    }
    console.log(`per node, medians of ${repetitions} rounds of ${count} nodes, ${atOnce} side by side`);
    for (const operation of OPERATIONS) {
      const each = [...(calls.get(operation) ?? [])].sort((a, b) => b[1] - a[1]).map(([name, times]) => `${name} ${(times / count).toFixed(1)}`); // prettier-ignore
      console.log(row(operation, costs.get(operation) ?? [], each.join(', ')));
    }
    const all = [...calls.values()].map((one) => [...one.values()].reduce((sum, times) => sum + times, 0)).reduce((a, b) => a + b, 0);
    console.log(row('all four', sums, `${(all / count).toFixed(1)} calls`));
    await mesh.close();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

await main();
