import { once } from 'node:events';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { parse, stringify } from 'yaml';
import { AGENT_RUNTIME } from '../../src/cli/agent/launchd.js';
import { createMesh } from '../../src/simulator/mesh/create.js';
import { simulatedNodes } from '../../src/simulator/mesh/spec.js';
import { startEmbeddedServer } from '../../src/temporal/embedded-server.js';
import { cpuTime } from './cpu-time.js';

/** `npm run bench:agent`: what an idle agent of `--nodes` nodes costs, on Linux, started with what `agent install` has launchd start it with. */
const { values } = parseArgs({ options: { nodes: { type: 'string', default: '1' }, seconds: { type: 'string', default: '60' } } });
/** What one idle agent of one node may need: MB of resident memory, and per cent of a core. */
const REACH = { memory: 120, cpu: 0.5 };
/** For what starting leaves to be done, in milliseconds: V8 tidies up for some twenty seconds after the last of it. */
const SETTLING = 30_000;

/** Resident memory of a process in MB. */
function residentMemory(pid: number): number {
  const [, kilobytes = '0'] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return (Number(kilobytes) * 1024) / 1e6;
}

const build = spawnSync(process.execPath, [fileURLToPath(new URL('../build.mjs', import.meta.url)), '--if-stale'], { stdio: 'inherit' });
if (build.status !== 0) throw new Error('the build failed');
const folder = mkdtempSync(join(tmpdir(), 'reseal-bench-agent-'));
const server = await startEmbeddedServer({ home: folder, namespace: 'bench', ui: 'headless', onProgress: (line) => console.error(line) });
try {
  const mesh = await createMesh({ folder, nodes: simulatedNodes(Number(values.nodes)) });
  const edit = (name: string, change: (document: Record<string, unknown>) => object): void => {
    const file = join(mesh.folders.config, name);
    writeFileSync(file, stringify(change(parse(readFileSync(file, 'utf8')) as Record<string, unknown>)));
  };
  edit('reseal.yaml', (reseal) => ({ ...reseal, temporal: { address: server.address, namespace: server.namespace } }));
  // Below `~`: a path of this machine's temporary folder would count as wiped by cleaners.
  edit('topology.yaml', (topology) => ({
    ...topology,
    nodes: (topology['nodes'] as { name: string }[]).map((node) => ({
      ...node,
      state: '~/reseal/state',
      mount: '~/reseal/mount',
      reach: { kind: 'agent' },
    })),
  }));
  const names = mesh.nodes.map((node) => node.name);
  const args = ['agent', 'run', '--config', mesh.folders.config, '--builds-home', join(mesh.folders.nodes, '{node}'), '--node', ...names];
  const reseal = fileURLToPath(new URL('../reseal.mjs', import.meta.url));
  const child = spawn(process.execPath, [...AGENT_RUNTIME, reseal, ...args], { stdio: ['ignore', 'inherit', 'pipe'] });
  const pid = child.pid ?? 0;
  await Promise.race([once(child.stderr, 'data'), once(child, 'exit').then(() => { throw new Error('the agent ended'); })]); // prettier-ignore
  await sleep(SETTLING);
  const before = cpuTime(pid) ?? 0;
  const began = performance.now();
  await sleep(Number(values.seconds) * 1000);
  const cpu = (((cpuTime(pid) ?? 0) - before) / (performance.now() - began)) * 100;
  const memory = residentMemory(pid);
  child.kill('SIGTERM');
  await once(child, 'exit');
  console.log(
    `${names.length} ${names.length === 1 ? 'node' : 'nodes'}, idle for ${values.seconds} s, load ${readFileSync('/proc/loadavg', 'utf8').split(' ').slice(0, 3).join(' ')}`,
  );
  console.log(`resident memory ${memory.toFixed(1)} MB (reach: below ${REACH.memory})`);
  console.log(`CPU ${cpu.toFixed(2)} % of a core (reach: below ${REACH.cpu})`);
  if (names.length === 1) process.exitCode = memory < REACH.memory && cpu < REACH.cpu ? 0 : 1;
} finally {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}
