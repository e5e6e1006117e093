import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { startEmbeddedServer } from '../../src/temporal/embedded-server.js';
import { makeBundles } from './bundles.js';
import { compare, type Comparison } from './compare.js';

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '100' },
    repetitions: { type: 'string', default: '3' },
    server: { type: 'string', default: 'memory' },
    'node-work': { type: 'string', default: 'real' },
    deadline: { type: 'string', default: '900' },
    'cpu-profile': { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

const HELP = `Runs complete rotations of simulated nodes and, in between, as many empty activities on the same Temporal server.

  --nodes N[,N]        sizes of the mesh, each compared with a floor of its own   default 100
  --repetitions N      measured rotations per size; one more run of each kind goes first, unmeasured   default 3
  --server memory|file where the Temporal server keeps everything, for rotation and floor alike   default memory
  --node-work real|none  none: node operations answer at once and touch nothing; what is left is the workflow's own cost   default real
  --deadline SECONDS   for the whole run   default 900
  --cpu-profile DIR    a CPU profile of the worker's process
`;

const ms = (value: number): string => value.toFixed(1);
const load = (): string => readFileSync('/proc/loadavg', 'utf8').split(' ').slice(0, 3).join(' ');

function show(one: Comparison): void {
  const { nodes, rotation, floor, histories } = one;
  console.log(`nodes ${nodes}, node work ${one.nodeWork}`);
  console.log(`rotation ${rotation.rate.toFixed(1)} activities/s, median of ${rotation.seconds.map((s) => s.toFixed(2)).join(', ')} s`);
  console.log(`floor ${floor.rate.toFixed(1)} activities/s, median of ${floor.seconds.map((s) => s.toFixed(2)).join(', ')} s`);
  console.log(`cost per node ${ms(one.costPerNode)} ms`);
  for (const [name, { workerCpu, serverCpu }] of Object.entries({ rotation, floor })) {
    console.log(
      `CPU per activity of the ${name} ${ms(workerCpu + serverCpu)} ms: ${ms(workerCpu)} of the worker, ${ms(serverCpu)} of the server`,
    );
  }
  console.log(
    `activities per node ${one.activitiesPerNode.toFixed(3)} (${one.activities} in all: ${[...histories.byActivity].map(([name, { scheduled }]) => `${name} ${scheduled}`).join(', ')})`,
  );
  console.log(`payloads of node activities ${one.inputBytes} bytes in, ${one.resultBytes} bytes out`);
  console.log(
    `history events per node ${(histories.events / nodes).toFixed(1)}, ${(histories.bytes / nodes).toFixed(0)} bytes per node, in ${histories.workflows} histories`,
  );
  console.log(
    `largest history ${histories.largest.events} events, ${histories.largest.bytes} bytes; largest payload ${histories.largestPayload} bytes`,
  );
  console.log(`peak RSS of the worker ${one.peakRss.toFixed(0)} MiB; load before ${one.loadBefore}, after ${load()}`);
  console.log(`CPU ratio ${((floor.workerCpu + floor.serverCpu) / (rotation.workerCpu + rotation.serverCpu)).toFixed(3)}`);
  console.log(`ratio ${one.ratio.toFixed(3)}`);
}

async function main(): Promise<void> {
  if (values.help) return console.log(HELP);
  const sizes = values.nodes.split(',').map(Number);
  const nodeWork = values['node-work'];
  if (nodeWork !== 'real' && nodeWork !== 'none') throw new Error(`--node-work takes real or none; given: ${nodeWork}`);
  if (sizes.some((size) => !Number.isInteger(size) || size < 1))
    throw new Error(`--nodes takes whole numbers, as 100 or 100,1000; given: ${values.nodes}`);
  Runtime.install({ logger: new DefaultLogger('WARN') });
  const folder = mkdtempSync(join(tmpdir(), 'reseal-bench-'));
  const deadline = AbortSignal.timeout(Number(values.deadline) * 1000);
  const server = await startEmbeddedServer({
    home: join(folder, 'temporal'),
    namespace: 'bench',
    ui: 'headless',
    ...(values.server === 'file' ? { dbFile: join(folder, 'temporal.db') } : {}),
  });
  try {
    const bundles = await makeBundles(folder);
    const results: Comparison[] = [];
    for (const nodes of sizes) {
      const loadBefore = load();
      const result = await compare({
        nodes,
        repetitions: Number(values.repetitions),
        nodeWork,
        folder: join(folder, `${nodes}`),
        server,
        bundles,
        deadline,
        profile: values['cpu-profile'] ?? null,
        loadBefore,
      });
      results.push(result);
      show(result);
    }
    const [smallest, largest] = [results[0], results.at(-1)];
    if (smallest !== undefined && largest !== undefined && smallest !== largest) {
      console.log(`cost per node at ${largest.nodes} / at ${smallest.nodes} ${(largest.costPerNode / smallest.costPerNode).toFixed(3)}`);
    }
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

await main();
