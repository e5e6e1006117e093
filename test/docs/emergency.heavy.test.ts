import { readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadConfiguration } from '../../src/configuration/load.js';
import { createMesh, type SimulatedMesh } from '../../src/simulator/mesh/create.js';
import { seedNodes } from '../../src/simulator/mesh/seed.js';
import { simulatedNodes } from '../../src/simulator/mesh/spec.js';
import { stopRecorded } from '../../src/temporal/embedded-server.js';
import { openSurroundings } from '../../src/temporal/surroundings.js';
import { built, cleanEnv, ROOT, RunningReseal, runReseal } from '../cli/processes.js';
import { FAST_POLICY } from '../e2e/rotating-mesh.js';
import { macTool } from '../setup/mac-tool.js';
import { temporaryFolder } from '../setup/temporary-folder.js';
import { until } from '../setup/until.js';

const guide = readFileSync(join(ROOT, 'docs/emergency.md'), 'utf8');
const commands = [...guide.matchAll(/^npx reseal (.*)$/gm)].map(([, line = '']) => line.split(' '));
/** The certificate that the guide names. */
const NAMED = '97134e8cc0e5ffe4ba55eaf5dc7b6e9c0050bc31';

let folder: string;
let mesh: SimulatedMesh;
let up: RunningReseal;
const env = (): NodeJS.ProcessEnv => cleanEnv(join(folder, 'state'), { RESEAL_CONFIG: mesh.folders.config });
/** The next command of the guide. */
const next = async (begins: string) => {
  const words = commands.shift() ?? [];
  expect(words.join(' ').startsWith(begins)).toBe(true);
  const said = await runReseal(
    words.map((word) => (word === NAMED ? mesh.certificate.sha1 : word)),
    { env: env() },
  );
  expect(said, said.stderr).toMatchObject({ exit: 0 });
  return said;
};

beforeAll(async () => {
  await built();
  folder = temporaryFolder('reseal-docs');
  mesh = await createMesh({
    folder,
    nodes: simulatedNodes(3),
    macs: { tool: await macTool() },
    successors: 'new-certificate',
    policy: FAST_POLICY,
  });
  const around = await openSurroundings(mesh.folders.config, mesh.folders.root);
  await seedNodes(loadConfiguration(mesh.folders.config), around.store('main'), around.profiles, mesh.line, mesh.manifest);
  await around.close();
  symlinkSync(mesh.folders.config, join(folder, 'reseal'));
  up = RunningReseal.start(['up', '--home', join(folder, 'state')], { env: cleanEnv(join(folder, 'state')), cwd: folder });
  await up.says('Ctrl-C ends it.');
}, 120_000);
afterAll(async () => {
  await up.stop();
  await stopRecorded(join(folder, 'state'));
  rmSync(folder, { recursive: true, force: true });
});

it('its commands replace a revoked certificate, in their order', async () => {
  const last6 = mesh.certificate.serial.slice(-6);
  expect((await next('impact')).stdout).toContain('com.acme.courier');
  const plan = await next('rotation plan');
  expect(plan.stdout).toContain('can be rotated now');
  expect(plan.stdout).toMatch(/canary +\S+\n.*wave 1 +\S+, \S+\n/);
  await next('rotation start');
  const waiting = async () => {
    const { stdout } = await runReseal(['rotation', 'status', 'ios-main-1'], { env: env() });
    return stdout.includes('may approve: ada, grace') ? stdout : null;
  };
  expect(await until(waiting, { what: 'its gate', timeout: 60_000 })).toContain(`the certificate of serial …${last6} was revoked`);
  expect((await next('rotation status')).stdout).toContain('no node is changed before that');
  expect((await next('rotation approve')).stdout).toContain('1 of 2 approvals (ada)');
  await next('rotation approve');
  expect((await next('rotation watch')).stdout).toContain('completed');
  expect((await next('revoke list')).stdout).toContain(mesh.certificate.sha1);
  expect(commands).toEqual([]);
}, 240_000);
