import { readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { loadConfiguration } from '../../src/configuration/load.js';
import { legacyPkcs12 } from '../../src/identity/pkcs12.js';
import { createMesh, successorProfiles, type SimulatedMesh } from '../../src/simulator/mesh/create.js';
import { seedNodes } from '../../src/simulator/mesh/seed.js';
import { simulatedNodes, TEAM } from '../../src/simulator/mesh/spec.js';
import { stopRecorded } from '../../src/temporal/embedded-server.js';
import { openSurroundings } from '../../src/temporal/surroundings.js';
import { built, cleanEnv, ROOT, RunningReseal, runReseal } from '../cli/processes.js';
import { FAST_POLICY } from '../e2e/rotating-mesh.js';
import { macTool } from '../setup/mac-tool.js';
import { temporaryFolder } from '../setup/temporary-folder.js';

const guide = readFileSync(join(ROOT, 'docs/certificates.md'), 'utf8');
const commands = [...guide.matchAll(/^npx reseal (.*)$/gm)].map(([, line = '']) => line.split(' '));
const YEAR = 365 * 86_400_000;

let folder: string;
let mesh: SimulatedMesh;
let up: RunningReseal;
const home = (): string => join(folder, 'state');
const env = (): NodeJS.ProcessEnv => cleanEnv(home(), { RESEAL_CONFIG: mesh.folders.config });
const say = (words: readonly string[]) => runReseal(words, { env: env() });
/** The next command of the guide. */
const next = async (begins: string) => {
  const words = commands.shift() ?? [];
  expect(words.join(' ').startsWith(begins)).toBe(true);
  return say(words.map((word) => (['distribution.p12', 'p12-password'].includes(word) ? join(folder, word) : word)));
};

beforeAll(async () => {
  await built();
  folder = temporaryFolder('reseal-docs');
  mesh = await createMesh({
    folder,
    nodes: simulatedNodes(3),
    macs: { tool: await macTool() },
    successors: false,
    policy: FAST_POLICY,
  });
  const around = await openSurroundings(mesh.folders.config, mesh.folders.root);
  await seedNodes(loadConfiguration(mesh.folders.config), around.store('main'), around.profiles, mesh.line, mesh.manifest);
  await around.close();
  symlinkSync(mesh.folders.config, join(folder, 'reseal'));
  up = RunningReseal.start(['up', '--home', home()], { env: cleanEnv(home()), cwd: folder });
  await up.says('Ctrl-C ends it.');
}, 120_000);
afterAll(async () => {
  await up.stop();
  await stopRecorded(home());
  rmSync(folder, { recursive: true, force: true });
});

it('its configuration is what topology.yaml takes', () => {
  const file = join(mesh.folders.config, 'topology.yaml');
  const topology = parse(readFileSync(file, 'utf8')) as { lines: Record<string, object>; nodes: { name: string }[] };
  const [signer, line] = [...guide.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, body = '']) => parse(body) as typeof topology);
  const [shown] = signer?.nodes ?? [];
  const before = readFileSync(file, 'utf8');
  const nodes = topology.nodes.map((node) => (node.name === shown?.name ? { ...node, ...shown } : node));
  const lines = { ...topology.lines, 'ios-main': { ...topology.lines['ios-main'], ...line?.lines['ios-main'] } };
  writeFileSync(file, stringify({ ...topology, lines, nodes }));
  const read = loadConfiguration(mesh.folders.config).topology;
  writeFileSync(file, before);
  expect(read.nodes.find((node) => node.name === shown?.name)?.deliveryKey).toMatch(/^age1/);
  expect(Object.values(read.lines)[0]?.keychains).toMatchObject({ lockAfter: 6 * 3_600_000, onUnlockFailure: ['retry', 'page'] });
});

it('its commands bring a new certificate to a signer, in their order', async () => {
  const key = await next('node delivery-key');
  expect(key).toMatchObject({ exit: 0 });
  expect(key.stdout).toContain('topology.yaml declares it: age1');

  const fresh = await mesh.apple.issueCertificate({
    commonName: `Apple Distribution: Acme GmbH (${TEAM})`,
    team: TEAM,
    notBefore: new Date(Date.now() - 86_400_000),
    notAfter: new Date(Date.now() + 0.99 * YEAR),
  });
  for (const { uuid, bytes } of successorProfiles({ apple: mesh.apple, certificate: fresh }))
    writeFileSync(join(mesh.folders.drop, `${uuid}.mobileprovision`), bytes);
  const before = await say(['rotation', 'plan', '--line', 'ios-main']);
  expect(before.exit).toBe(1);
  expect(before.stdout).toContain(`nobody has sealed the new identity ${fresh.sha1.slice(0, 8)} for ams-sign-1, iad-sign-1, bom-sign-1`);

  writeFileSync(join(folder, 'distribution.p12'), legacyPkcs12(fresh, 'p12-secret'));
  writeFileSync(join(folder, 'p12-password'), 'p12-secret\n');
  const imported = await next('certificate import');
  expect(imported).toMatchObject({ exit: 0 });
  expect(imported.stdout).toContain('sealed for   ams-sign-1, iad-sign-1, bom-sign-1');
  const plan = await next('rotation plan');
  expect(plan).toMatchObject({ exit: 0 });
  expect(plan.stdout).toMatch(
    new RegExp(
      `replaces  identity \\w{8} until .* -> ${fresh.sha1.slice(0, 8)} Apple Distribution: Acme GmbH .*; its key goes to ams-sign-1, iad-sign-1, bom-sign-1`,
    ),
  );

  const purged = await next('node purge');
  expect(purged).toMatchObject({ exit: 0 });
  expect(purged.stdout).toMatch(/^ams-sign-1: kept the keychain of \w{8}: a manifest that the node accepts signs with it\n$/);
  expect(await say(['node', 'purge', 'ams-sign-1', '--as', 'rita', '--ticket', 'CHG-9'])).toMatchObject({
    exit: 4,
    stderr: expect.stringContaining('The roster does not let rita purge; it lets ada, grace.'),
  });
  expect(await say(['node', 'purge', 'nobody', '--as', 'ada', '--ticket', 'CHG-9'])).toMatchObject({ exit: 2 });
  expect(commands).toEqual([]);
}, 120_000);
