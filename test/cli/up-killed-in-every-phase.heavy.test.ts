import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseJournal } from '../../activities/node/index.js';
import { loadConfiguration } from '../../src/configuration/load.js';
import type { Phase } from '../../src/domain/rotation/phases.js';
import { startBuilders, type Builders } from '../../src/simulator/builder.js';
import { createMesh, type SimulatedMesh } from '../../src/simulator/mesh/create.js';
import { seedNodes } from '../../src/simulator/mesh/seed.js';
import { simulatedNodes } from '../../src/simulator/mesh/spec.js';
import { stopRecorded } from '../../src/temporal/embedded-server.js';
import { isRunning } from '../../src/temporal/process-identity.js';
import { openSurroundings } from '../../src/temporal/surroundings.js';
import { EVERY_PHASE, Obstacles } from '../e2e/every-phase.js';
import { FAST_POLICY } from '../e2e/rotating-mesh.js';
import { until } from '../setup/until.js';
import { built, cleanEnv, RunningReseal, runReseal, type RanReseal } from './processes.js';

/** So few activities a second that a person with a command line meets every phase. */
const POLICY = {
  ...FAST_POLICY,
  successor: { minLifeBeyondWindow: '14d', askEvery: '1d', lookEvery: '500ms', pageWhenLeft: ['5d', '3d', '2d', '1d'] },
  cohorts: { canary: { perImage: 1, share: '5%' }, waves: ['50%', '50%'], maxUnavailable: 1, stallTimeout: '2m' },
  probe: { passes: 3, interval: '400ms', checkTimeout: '10s', inconclusiveFor: '5s' },
  soak: { duration: '20s', interval: '2s', floor: '0s' },
  retirement: { secondGate: false, maxBuildDuration: '1500ms', overduePinPageEvery: '1m' },
  limits: { stepNodes: 100, activitiesPerSecond: 2, nodeOperationTimeout: '1m', nodeOfflineAfter: '1m' },
};

let folder: string;
let mesh: SimulatedMesh;
let builders: Builders;
let up: RunningReseal | undefined;

const home = (): string => join(folder, 'home');
const env = (): NodeJS.ProcessEnv => cleanEnv(home(), { RESEAL_CONFIG: mesh.folders.config });
const reseal = (...args: readonly string[]): Promise<RanReseal> => runReseal(args, { env: env() });

beforeAll(async () => {
  await built();
  folder = mkdtempSync(join(tmpdir(), 'reseal-up-killed-'));
  mesh = await createMesh({ folder, nodes: simulatedNodes(6), policy: POLICY });
  const configuration = loadConfiguration(mesh.folders.config);
  const around = await openSurroundings(mesh.folders.config, mesh.folders.root);
  await seedNodes(configuration, around.store('main'), around.profiles, mesh.line, mesh.manifest);
  await around.close();
  const [node] = configuration.topology.nodes;
  if (node === undefined) throw new Error('a mesh without nodes builds nothing');
  builders = startBuilders({
    homes: mesh.nodes.map(({ name }) => ({ name, path: join(mesh.folders.nodes, name) })),
    mount: node.mount,
    line: mesh.line,
    folders: node.profileFolders,
    maxWait: 300,
    maxBuildDuration: configuration.policy.retirement.maxBuildDuration,
  });
});
afterAll(async () => {
  await builders.stop();
  await up?.stop();
  await stopRecorded(home());
  rmSync(folder, { recursive: true, force: true });
});

async function start(): Promise<void> {
  up = RunningReseal.start(['up'], { env: env() });
  await up.says('Ctrl-C ends it.', 120_000);
}

/** `up` and the Temporal server that it started, both at once. */
async function killBoth(): Promise<void> {
  const server = JSON.parse(readFileSync(join(home(), 'temporal.json'), 'utf8')) as { pid: number; startTime: string };
  process.kill(server.pid, 'SIGKILL');
  await up?.killHard();
  await until(() => !isRunning(server), { what: 'a Temporal server that is gone' });
}

async function untilStatus(fits: (rotation: { phase: Phase; commands: readonly string[] }) => boolean, what: string): Promise<void> {
  await until(
    async () => {
      const { stdout } = await reseal('rotation', 'status', 'ios-main-1', '--json');
      return fits((JSON.parse(stdout) as { rotation: { phase: Phase; commands: readonly string[] } }).rotation);
    },
    { what, timeout: 180_000, every: 20 },
  );
}

it('up killed with -9 together with its Temporal server, in every phase in turn, and started again: the rotation completes under the same id, and no node is staged twice (R8, R9, P5, invariants 1, 6 and 10)', async () => {
  await start();
  const obstacles = new Obstacles(mesh.folders);
  const started = await reseal('rotation', 'start', '--line', 'ios-main', '--as', 'rita', '--ticket', 'CHG-7');
  expect([started.exit, started.stdout], started.stderr).toEqual([0, expect.stringMatching(/^ios-main-1 /)]);
  for (const phase of EVERY_PHASE) {
    await untilStatus((rotation) => rotation.phase === phase, `phase ${phase}`);
    await killBoth();
    await start();
    obstacles.letGoOf(phase);
    if (phase !== 'awaiting-signoff') continue;
    await untilStatus((rotation) => rotation.commands.includes('approve'), 'an open gate');
    for (const person of ['ada', 'grace']) {
      const approved = await reseal('rotation', 'approve', 'ios-main-1', '--as', person, '--ticket', 'CHG-7');
      expect(approved.exit, approved.stderr).toBe(0);
    }
  }
  const watched = await reseal('rotation', 'watch', 'ios-main-1');
  expect(watched.exit, watched.stdout + watched.stderr).toBe(0);
  expect(watched.stdout).toMatch(/outcome +completed\n$/);
  for (const { name } of mesh.nodes) {
    const journal = parseJournal(readFileSync(join(mesh.folders.nodes, name, 'usr/local/var/reseal/state/journal'), 'utf8'));
    const changed = journal.filter((one) => one.rotation === 'ios-main-1' && one.phase === 'result' && one.changed);
    for (const step of ['stage', 'activate', 'quarantine-manifest'])
      expect(changed.filter((one) => one.do === step).length, `${step} on ${name}`).toBeLessThanOrEqual(1);
  }
  const { checks, failures } = await builders.stop();
  expect(failures).toEqual([]);
  expect(checks).toBeGreaterThan(0);
});
