/** `npm run bench:impact`: `reseal impact` as a person runs it, process start included, of a large mesh; beside it the same of 12 nodes, and an empty Node.js. */
import { fork, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { ImpactApi, ImpactMesh } from './impact-api.js';
import { median } from './median.js';

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '10000' },
    profiles: { type: 'string', default: '50' },
    pipelines: { type: 'string', default: '200' },
    repetitions: { type: 'string', default: '11' },
    /** A folder for a CPU profile of the large mesh's API. */
    'cpu-prof': { type: 'string' },
  },
});
const RESEAL = fileURLToPath(new URL('../reseal.mjs', import.meta.url));
/** Milliseconds that the answer may take, from the start of the command to its end. */
const REACH = 1_000;
const SMALL = 12;

const root = mkdtempSync(join(tmpdir(), 'reseal-bench-impact-'));
const servers: ChildProcess[] = [];

async function serve(mesh: ImpactMesh, profile: string | undefined): Promise<ImpactApi> {
  const profiling = profile === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', profile];
  const child = fork(fileURLToPath(new URL('./impact-api.ts', import.meta.url)), { execArgv: ['--import', 'tsx', ...profiling] });
  servers.push(child);
  const gone = once(child, 'exit').then(([code]) => {
    throw new Error(`the API over ${mesh.nodes} nodes ended (${String(code)})`);
  });
  gone.catch(() => undefined);
  child.send(mesh);
  const [api] = (await Promise.race([once(child, 'message'), gone])) as [ImpactApi];
  return api;
}

/** Milliseconds that a Node.js with these arguments takes, from its start to its end; what it says is judged by `holds`. */
function time(args: readonly string[], api: ImpactApi | null, holds: (said: string) => boolean): number {
  const env = { ...process.env, NO_COLOR: '1', ...(api === null ? {} : { RESEAL_URL: api.url, RESEAL_TOKEN: api.token }) };
  const began = performance.now();
  const run = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 120_000, env, cwd: root, maxBuffer: 1 << 28 });
  const took = performance.now() - began;
  if (run.status !== 0) throw new Error(`node ${args.join(' ')} ended with ${run.status ?? run.signal ?? 'an error'}: ${run.stderr}`);
  if (!holds(run.stdout)) throw new Error(`node ${args.join(' ')} said something else than was asked: ${run.stdout.slice(0, 500)}`);
  return took;
}

const counts = { profiles: Number(values.profiles), pipelines: Number(values.pipelines) };
/** A measured command: its name, and one run of it. */
type Measured = readonly [string, () => number];

function commandsOver(api: ImpactApi, nodes: number): readonly Measured[] {
  const of = `${nodes.toLocaleString('en')} nodes`;
  const asks = (...options: readonly string[]): readonly string[] => [RESEAL, 'impact', ...options];
  const all = [of, `${counts.pipelines} pipelines`, `${counts.profiles} bundles`];
  return [
    [`--certificate, ${of}`, () => time(asks('--certificate', api.certificate), api, (said) => all.every((one) => said.includes(one)))],
    [`--certificate --json, ${of}`, () => time(asks('--certificate', api.certificate, '--json'), api, (said) => said.includes(`"nodes": ${nodes},`))], // prettier-ignore
    [`--profile, ${of}`, () => time(asks('--profile', api.profile), api, (said) => said.includes(of))],
  ];
}

try {
  const nodes = Number(values.nodes);
  const small = await serve({ folder: join(root, 'small'), nodes: SMALL, ...counts }, undefined);
  const large = await serve({ folder: join(root, 'large'), nodes, ...counts }, values['cpu-prof']);
  const measured: readonly Measured[] = [
    ['node -e 0', () => time(['-e', '0'], null, () => true)],
    ...commandsOver(small, SMALL),
    ...commandsOver(large, nodes),
  ];
  // Unmeasured: builds where that never happened, and fills caches.
  for (const [, run] of measured) run();
  const times = measured.map(() => [] as number[]);
  for (let repetition = 0; repetition < Number(values.repetitions); repetition++)
    measured.forEach(([, run], index) => times[index]?.push(run()));
  const medians = times.map(median);
  console.log(`load ${readFileSync('/proc/loadavg', 'utf8').split(' ').slice(0, 3).join(' ')}`);
  console.log(`medians of ${values.repetitions}, taken in turn; ${counts.profiles} profiles, ${counts.pipelines} pipelines`);
  measured.forEach(([name], index) => {
    const took = medians[index] ?? 0;
    console.log(`${name}: ${took.toFixed(0)} ms, ${(took / (medians[0] ?? 1)).toFixed(1)} times node -e 0`);
  });
  const slowest = Math.max(...medians);
  console.log(`slowest ${slowest.toFixed(0)} ms (reach: below ${REACH} ms)`);
  process.exitCode = slowest < REACH ? 0 : 1;
} finally {
  for (const server of servers) {
    const gone = once(server, 'exit');
    if (server.connected) server.disconnect();
    if (server.exitCode === null) await gone;
  }
  rmSync(root, { recursive: true, force: true });
}
