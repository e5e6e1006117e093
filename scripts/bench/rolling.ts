/** `npm run bench:mesh`: a rolling change over SSH, over agents and with Ansible, each with everything of its own. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { startEmbeddedServer } from '../../src/temporal/embedded-server.js';
import { overAnsible, type Playbook } from './ansible/contender.js';
import { median } from './median.js';
import type { Contender, RollingRequest } from './rolling/contender.js';
import { overAgents, overSsh } from './rolling/reseal.js';

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '50' },
    repetitions: { type: 'string', default: '3' },
    'ansible-repetitions': { type: 'string', default: '1' },
    serial: { type: 'string', default: '20' },
    over: { type: 'string', default: 'ssh,agents,ansible' },
    playbook: { type: 'string', default: 'by-archive' },
    help: { type: 'boolean', default: false },
  },
});

const HELP = `Changes a mesh, a few nodes at a time: each is staged, switched and probed three times; over SSH, over agents, and with ansible-core.

  --nodes N                default 50
  --repetitions N          measured changes over SSH and over agents; one more goes first, unmeasured   default 3
  --ansible-repetitions N  measured changes with Ansible; a ping of all nodes goes first   default 1
  --serial N               nodes that have their turn together   default 20
  --over WAY[,WAY]         ssh, agents, ansible   default all three
  --playbook NAME          by-archive or by-copy: all files of a node in one archive, or a task for each kind   default by-archive
`;

const WAYS = ['ssh', 'agents', 'ansible'] as const;
type Way = (typeof WAYS)[number];
const PLAYBOOKS: readonly Playbook[] = ['by-archive', 'by-copy'];
/** How many times as fast as Ansible. */
const REACH = { ssh: '5 at 50 nodes', agents: '20 at 200 nodes' };

/** Operations of a change on each node: stage, switch, probe. */
const STEPS = 3;
const load = (): string => readFileSync('/proc/loadavg', 'utf8').split(' ').slice(0, 3).join(' ');

/** Runs one contender to its end, alone. @returns median of seconds */
async function measure(
  name: string,
  request: RollingRequest,
  repetitions: number,
  start: (request: RollingRequest) => Promise<Contender>,
): Promise<number> {
  const before = load();
  const contender = await start(request);
  try {
    const first = await contender.warm();
    const seconds: number[] = [];
    for (let repetition = 0; repetition < repetitions; repetition++) {
      // What the run before left to be written goes to the disk before the clock starts.
      spawnSync('sync');
      seconds.push(await contender.change());
    }
    const middle = median(seconds);
    console.log(
      `${name.padEnd(24)} ${((request.nodes * STEPS) / middle).toFixed(1).padStart(7)} steps/s, ${middle.toFixed(2)} s, median of ${seconds.map((one) => one.toFixed(2)).join(', ')} s; the first, unmeasured, ${first.toFixed(2)} s; load before ${before}, after ${load()}`,
    );
    return middle;
  } finally {
    await contender.stop();
  }
}

function oneOf<T extends string>(option: string, all: readonly T[], given: string): T {
  const found = all.find((one) => one === given);
  if (found === undefined) throw new Error(`--${option} takes ${all.join(', ')}; given: ${given}`);
  return found;
}

async function main(): Promise<void> {
  if (values.help) return console.log(HELP);
  const [nodes, repetitions, ansibleRepetitions, serial] = (['nodes', 'repetitions', 'ansible-repetitions', 'serial'] as const).map(
    (name) => {
      const number = Number(values[name]);
      if (!Number.isInteger(number) || number < 1) throw new Error(`--${name} takes a whole number from 1; given: ${values[name]}`);
      return number;
    },
  ) as [number, number, number, number];
  const ways = new Set(values.over.split(',').map((way) => oneOf('over', WAYS, way)));
  const playbook = oneOf('playbook', PLAYBOOKS, values.playbook);
  const build = spawnSync(process.execPath, [fileURLToPath(new URL('../build.mjs', import.meta.url)), '--if-stale'], { stdio: 'inherit' });
  if (build.status !== 0) throw new Error('the build failed');
  // What was started ends with this process, also where it is ended from outside.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const say = (line: string): void => console.error(line);
  const folder = mkdtempSync(join(tmpdir(), 'reseal-bench-mesh-'));
  const request = (name: Way): RollingRequest => ({ folder: join(folder, name), nodes, serial, say });
  const medians = new Map<Way, number>();
  try {
    console.log(`${nodes} nodes, ${serial} at a time, each staged, switched and probed three times`);
    const server = await startEmbeddedServer({ home: join(folder, 'temporal'), namespace: 'bench', ui: 'headless', onProgress: say });
    const kill = (): void => void process.kill(server.pid, 'SIGKILL');
    process.once('exit', kill);
    try {
      if (ways.has('ssh')) medians.set('ssh', await measure('over SSH', request('ssh'), repetitions, (one) => overSsh(one, server)));
      if (ways.has('agents'))
        medians.set('agents', await measure('over agents', request('agents'), repetitions, (one) => overAgents(one, server)));
    } finally {
      process.removeListener('exit', kill);
      await server.stop();
    }
    if (!ways.has('ansible')) return;
    const ansible = await measure(`ansible-core, ${playbook}`, request('ansible'), ansibleRepetitions, (one) => overAnsible(one, playbook));
    for (const [way, reach] of Object.entries(REACH) as [keyof typeof REACH, string][]) {
      const ours = medians.get(way);
      if (ours !== undefined) console.log(`ratio over ${way} ${(ansible / ours).toFixed(1)} (reach: ${reach})`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

await main();
