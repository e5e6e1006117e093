import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { parse, stringify } from 'yaml';
import { GlassDesk } from '../../activities/break-glass/restore.js';
import { createNodeActivities, parseJournal, profileVerifier } from '../../activities/node/index.js';
import { PROFILE_FOLDERS } from '../../activities/node/paths.js';
import { loadConfiguration } from '../../src/configuration/load.js';
import type { NodeName, Sha256 } from '../../src/domain/brands.js';
import type { NodeOrder } from '../../src/domain/node/order.js';
import type { RevocationStatement } from '../../src/domain/revocations.js';
import { sha256Of } from '../../src/manifest/digest.js';
import { assembleManifest } from '../../src/manifest/assemble.js';
import { freezeManifest } from '../../src/manifest/freeze.js';
import { reachNodes } from '../../src/node-shell/reach.js';
import { appsFile, createMesh, successorProfiles, type SimulatedMesh } from '../../src/simulator/mesh/create.js';
import { seedNodes } from '../../src/simulator/mesh/seed.js';
import { SIMULATED_APPS, SIMULATED_PUBLISHER, simulatedNodes, type SimulatedNode } from '../../src/simulator/mesh/spec.js';
import { openSurroundings, type OpenSurroundings } from '../../src/temporal/surroundings.js';
import type { BreakGlassView } from '../../src/presenters/break-glass.js';
import { nodeTruth } from '../e2e/node-truth.js';
import { behindSsh } from '../e2e/behind-ssh.js';
import { verified } from '../audit/chains.js';
import { copyApple } from '../setup/apple.js';
import { hostsFolder } from '../setup/hosts-folder.js';
import { sshdMissing, type TestHost } from '../setup/sshd.js';
import { temporaryFolder } from '../setup/temporary-folder.js';
import { reseal, type Ran } from './terminal.js';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

const NODES = simulatedNodes(8);
const [PLAIN, CUT, EMPTY, REMOTE, ASKED, LATE, DAMAGED, OTHER] = NODES.map(({ name }) => name as NodeName) as [NodeName, NodeName, NodeName, NodeName, NodeName, NodeName, NodeName, NodeName]; // prettier-ignore
const servers: TestHost[] = [];
let folder: string;
let mesh: SimulatedMesh;
let around: OpenSurroundings;
let to: Sha256;
let before: Readonly<Record<string, ReturnType<typeof nodeTruth>>>;
const home = (node: string): string => join(mesh.folders.nodes, node);
const stateOf = (node: string): string => join(home(node), 'usr/local/var/reseal/state');
const MOUNT = 'usr/local/var/reseal/mount/ios-main';
const active = (node: string): string => {
  const own = join(home(node), MOUNT, 'profiles.json');
  return sha256Of(readFileSync(existsSync(own) ? own : join(home(node), MOUNT, 'nodes', node, 'profiles.json')));
};

/** Every node was on `mesh.manifest`, and a rotation has brought all of them to `to`; then everything but the nodes goes away. */
async function rotated(into: string, nodes: readonly SimulatedNode[]): Promise<void> {
  await copyApple(join(into, 'apple'));
  const policy = { probe: { passes: 2, interval: '20ms', checkTimeout: '5s', inconclusiveFor: '1s' } };
  mesh = await createMesh({ folder: into, nodes, policy });
  if (sshdMissing === null) await behindSsh(mesh, servers, {}, (node) => node === REMOTE);
  around = await openSurroundings(mesh.folders.config, mesh.folders.root);
  const configuration = loadConfiguration(mesh.folders.config);
  const store = around.store('main');
  await seedNodes({ ...configuration, topology: { ...configuration.topology, nodes: configuration.topology.nodes.map(onDisk) } }, store, around.profiles, mesh.line, mesh.manifest); // prettier-ignore
  before = Object.fromEntries(nodes.map(({ name }) => [name, nodeTruth(home(name))]));
  const next = successorProfiles(mesh).map(({ bytes }) => bytes);
  const context = { by: 'rita', ticket: 'CHG-1' };
  for (const bytes of next) await store.putProfile(bytes, 'rita', context);
  const described = next.map((bytes) => around.profiles.verify(bytes).profile);
  to = await store.putManifest(freezeManifest(assembleManifest(mesh.line, described, appsFile(SIMULATED_APPS))).bytes, context);
  for (const { name } of nodes) {
    const [on, order] = [await onItsDisk(), await ordered(name as NodeName, 1000)];
    await on.stageNode({ ...order('stage'), to });
    await on.switchNode({ ...order('switch'), target: to, revertTo: mesh.manifest });
    await on.retireNode({ ...order('retire'), old: mesh.manifest, keep: to });
    expect(active(name)).toBe(to);
  }
  await around.close();
  renameSync(mesh.folders.store, `${mesh.folders.store}.away`);
}
beforeAll(() => {
  folder = temporaryFolder('reseal-glass', hostsFolder());
  return rotated(join(folder, 'mesh'), NODES);
});
afterAll(async () => {
  for (const server of servers) await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** What only makes nodes ready needs no SSH. */
const onDisk = <N extends { readonly name: string }>(node: N): N => ({
  ...node,
  mount: '/usr/local/var/reseal/mount',
  state: '/usr/local/var/reseal/state',
  reach: { kind: 'local', home: home(node.name) },
});
const onItsDisk = async () =>
  createNodeActivities({
    store: around.store('main'),
    verifier: profileVerifier(around.profiles),
    sleep: () => Promise.resolve(),
    attempt: () => ({ number: 1, startedAt: null }),
    heartbeat: () => undefined,
  });
/** Orders of a rotation, as they were frozen. */
async function ordered(node: NodeName, epoch: number): Promise<(task: string, sentAt?: number) => NodeOrder> {
  const { topology, policy } = loadConfiguration(mesh.folders.config);
  const store = around.store('main');
  const frozen = await store.putFrozen({ ...topology, nodes: topology.nodes.map(onDisk) }, {});
  const policyDigest = await store.putFrozen(policy, {});
  const rotation = `ios-main-${Math.floor(epoch / 1000)}`;
  return (task, sentAt = Date.now()) => ({
    ...{ node, line: mesh.line, rotation, epoch, opId: `${rotation}/${task}/${epoch}`, sentAt, notAfter: Date.now() + 60_000, offset: 0 },
    ...{ topology: frozen, policy: policyDigest },
  });
}

const restore = (node: string, ...more: readonly string[]): Promise<Ran> => command(node, ['--yes', ...more]);
const command = (node: string, more: readonly string[], writes?: string): Promise<Ran> =>
  reseal(['node', 'restore', node, '--break-glass', '--ticket', 'INC-1', '--config', mesh.folders.config, '--home', join(folder, 'home'), ...more], {
    ...{ cwd: folder, now: Date.now() },
    ...(writes === undefined ? {} : { writes, terminal: true }),
  }); // prettier-ignore
const profilesOf = (truth: ReturnType<typeof nodeTruth>) => Object.entries(truth).filter(([path]) => path.endsWith('.mobileprovision'));
const chain = (): string => join(folder, 'home/audit/break-glass-1');
const records = (): readonly Record<string, unknown>[] =>
  readFileSync(join(chain(), '0000000000000001.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => line.includes('"kind":"intent"') || line.includes('"kind":"result"'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);

it('R7: brings a node back out of its own quarantine, without Temporal, API, ledger and store, and says before what will change', async () => {
  const { exit, stdout, stderr } = await restore(PLAIN, '--as', 'ada');
  expect(stderr).toContain(`serves     manifest ${to.slice(0, 12)}`);
  expect(stderr).toContain(
    `gets back  manifest ${mesh.manifest.slice(0, 12)}, out of its quarantine (ios-main-1); the first of its assets expires in 5 days`,
  );
  expect(stderr).toContain('the newest order it admitted is ios-main-1/retire/1000');
  expect(stderr).toMatch(/revoked {4}nobody knows here whether what comes back is: the store is away/);
  expect(stdout).toContain(`${PLAIN} serves manifest ${mesh.manifest.slice(0, 12)} on ios-main, and probes passed in a row; before it was manifest ${to.slice(0, 12)}`); // prettier-ignore
  expect(exit).toBe(0);
  expect(active(PLAIN)).toBe(mesh.manifest);
  // Everything that it had is there as it was; what it served since stays beside it.
  expect(nodeTruth(home(PLAIN))).toMatchObject(Object.fromEntries(profilesOf(before[PLAIN]!)));
  expect(profilesOf(nodeTruth(home(PLAIN)))).toHaveLength(2 * profilesOf(before[PLAIN]!).length);
});

it('T4: leaves intent and result in a chain of its own, sealed by the key of the home, which verifies', async () => {
  expect(records()).toEqual([
    expect.objectContaining({ kind: 'intent', effect: 'restoreUnasked', facts: expect.objectContaining({ node: PLAIN, line: 'ios-main', ticket: 'INC-1', by: 'ada', before: to, manifest: mesh.manifest, from: 'quarantine', overtakes: 'ios-main-1/retire/1000' }) as object }), // prettier-ignore
    expect.objectContaining({ kind: 'result', outcome: 'done', facts: { outcome: 'done', before: to, active: mesh.manifest } }),
  ]);
  const { head, seal, findings } = await verified(chain());
  expect(findings).toEqual([]);
  expect(seal?.seal.seq).toBe(head?.seq);
  expect((await reseal(['audit', 'verify', '--here', chain(), '--config', mesh.folders.config], { cwd: folder })).exit).toBe(3);
  renameSync(`${mesh.folders.store}.away`, mesh.folders.store);
  const said = await reseal(['audit', 'verify', '--here', chain(), '--config', mesh.folders.config], { cwd: folder });
  renameSync(mesh.folders.store, `${mesh.folders.store}.away`);
  expect(said.exit).toBe(0);
});

it('said again, finds done what is done: it never goes back to what the node was taken off', async () => {
  for (const _ of ['once', 'and once more']) {
    const { exit, stderr } = await restore(PLAIN);
    expect(stderr).toContain(`serves     manifest ${mesh.manifest.slice(0, 12)}, which is checked, mended and probed`);
    expect(exit).toBe(0);
    expect(active(PLAIN)).toBe(mesh.manifest);
  }
});

it('cut off before any of its changes and said again, it ends as if nothing had happened (invariant 7)', async () => {
  cpSync(home(CUT), join(folder, 'rotated'), { recursive: true });
  await restore(CUT);
  const whole = nodeTruth(home(CUT));
  const { topology, policy } = loadConfiguration(mesh.folders.config);
  const node = topology.nodes.find(({ name }) => name === CUT)!;
  let cuts = 0;
  for (let count = 0; ; count += 3) {
    rmSync(home(CUT), { recursive: true });
    cpSync(join(folder, 'rotated'), home(CUT), { recursive: true });
    let left = count;
    const desk = new GlassDesk({
      ...{
        topology,
        policy,
        node,
        line: mesh.line,
        reach: reachNodes().files,
        verifier: profileVerifier(around.profiles),
        clock: Date.now,
      },
      store: { ask: () => Promise.resolve(null), why: 'the store is away' },
      sleep: () => Promise.resolve(),
      progress: () => undefined,
      version: '0.1.0',
      hooks: {
        beforeEffect: () => {
          left -= 1;
          if (left < 0) throw new Error('cut off');
        },
      },
    });
    const order = { ...(await desk.plan(null)), ticket: 'INC-1', by: 'ada', account: 'ada@desk' };
    if (await desk.restoreUnasked(order).then(() => true, () => false)) break; // prettier-ignore
    cuts += 1;
    expect(await restore(CUT)).toMatchObject({ exit: 0 });
    expect(nodeTruth(home(CUT))).toEqual(whole);
  }
  expect(cuts).toBeGreaterThan(3);
});

it.skipIf(sshdMissing !== null)('over SSH, from the machine of a person', async () => {
  const { exit, stdout, stderr } = await restore(REMOTE, '--json');
  expect(stderr).toContain(`${REMOTE} (over SSH, `);
  const view = JSON.parse(stdout) as BreakGlassView;
  expect(view).toMatchObject({ schemaVersion: 1, node: REMOTE, line: 'ios-main', before: to, manifest: mesh.manifest, active: mesh.manifest, outcome: 'done', reason: '', ticket: 'INC-1', source: { from: 'quarantine', rotation: 'ios-main-1' } }); // prettier-ignore
  expect(view.audit).toMatchObject({ folder: chain() });
  expect(exit).toBe(0);
  expect(active(REMOTE)).toBe(mesh.manifest);
});

it('an order that a worker still carries changes nothing afterwards, and the worker hears why; the way back of its rotation is newer', async () => {
  expect((await restore(LATE)).exit).toBe(0);
  renameSync(`${mesh.folders.store}.away`, mesh.folders.store);
  around = await openSurroundings(mesh.folders.config, mesh.folders.root);
  const [nodes, order] = [await onItsDisk(), await ordered(LATE, 1000)];
  for (const task of ['switch', 'repair'])
    await expect(nodes.switchNode({ ...order(task), target: to, revertTo: null })).rejects.toMatchObject({ type: 'STALE_EPOCH' });
  expect(active(LATE)).toBe(mesh.manifest);
  const report = await nodes.inspectNode({ ...order('inspect'), manifest: to });
  expect(report).toMatchObject({ active: mesh.manifest, verdict: 'fail', brokenGlass: true });
  expect(report.findings.join()).toContain('a person on the spot, without the control plane');
  const back = await ordered(LATE, 1001);
  expect(await nodes.switchNode({ ...back('return'), target: mesh.manifest, revertTo: null })).toMatchObject({ outcome: 'done' });
  const later = await nodes.inspectNode({ ...back('inspect'), manifest: mesh.manifest });
  expect(later).toMatchObject({ verdict: 'pass' });
  expect(later.brokenGlass).toBeUndefined();
  await around.close();
  renameSync(mesh.folders.store, `${mesh.folders.store}.away`);
});

it('with its quarantine gone and the store away, says what is nowhere and changes nothing; with the store there, takes it from there', async () => {
  rmSync(join(stateOf(EMPTY), 'quarantine'), { recursive: true });
  const [was, journal] = [nodeTruth(home(EMPTY)), readFileSync(join(stateOf(EMPTY), 'journal'), 'utf8')];
  const refused = await restore(EMPTY);
  expect(refused).toMatchObject({ exit: 2, stdout: '' });
  expect(refused.stderr).toMatch(new RegExp(`Manifest ${mesh.manifest} is not on ${EMPTY} any more \\(.*/manifests, .*/quarantine\\), and the store is away: .* Nothing was changed\\.`)); // prettier-ignore
  expect(nodeTruth(home(EMPTY))).toEqual(was);
  expect(readFileSync(join(stateOf(EMPTY), 'journal'), 'utf8')).toBe(journal);
  renameSync(`${mesh.folders.store}.away`, mesh.folders.store);
  const asked = await openSurroundings(mesh.folders.config, mesh.folders.root);
  const statement = {
    ...{
      schemaVersion: 1,
      says: 'revocation-record',
      installation: 'acme-demo',
      person: 'ada',
      ticket: 'INC-5',
      serial: null,
      source: 'person',
    },
    ...{ certificate: mesh.certificate.sha1, reason: 'stolen', revokedAt: '2026-01-02T03:04:05.000Z', nonce: 'a'.repeat(32) },
    ...{ issuedAt: '2026-01-02T03:05:00.000Z', expiresAt: '2026-01-02T03:20:00.000Z' },
  } as RevocationStatement;
  await asked
    .store('main')
    .putMany([{ kind: 'revocation', document: { kind: 'revocation', schemaVersion: 1, statement, signature: null } }], {});
  await asked.close();
  const taken = await restore(EMPTY);
  renameSync(mesh.folders.store, `${mesh.folders.store}.away`);
  expect(taken.stderr).toContain('from the store');
  expect(taken.stderr).toContain(`REVOKED    certificate ${mesh.certificate.sha1.slice(0, 8)} is revoked since 2026-01-02T03:04:05Z, as ada recorded under INC-5: what comes back may not sign any more`); // prettier-ignore
  expect(taken).toMatchObject({ exit: 0 });
  expect(active(EMPTY)).toBe(mesh.manifest);
});

it('a damaged profile in quarantine is no profile: nothing is begun', async () => {
  const path = Object.keys(before[DAMAGED]!).find((name) => name.endsWith('.mobileprovision')) ?? '';
  const name = path.split('/').at(-1) ?? '';
  for (const place of Object.keys(PROFILE_FOLDERS)) {
    const file = join(stateOf(DAMAGED), 'quarantine/ios-main-1', `${place}.${name}`);
    writeFileSync(file, 'something else');
  }
  const { exit, stderr } = await restore(DAMAGED);
  expect(exit).toBe(2);
  expect(stderr).toContain('The profile of SHA-256 ');
  expect(active(DAMAGED)).toBe(to);
});

it('asks for the name of the node, and changes nothing where another one is written, nobody is there to ask, or --json says so', async () => {
  for (const ran of [
    await command(ASKED, [], `${PLAIN}\n`),
    await command(ASKED, [], 'y\n'),
    await command(ASKED, []),
    await command(ASKED, ['--json']),
  ]) {
    // prettier-ignore
    expect(ran.exit).toBe(4);
    expect(`${ran.stdout}${ran.stderr}`).toContain('Nothing was changed.');
  }
  expect(active(ASKED)).toBe(to);
  expect(await command(ASKED, [], `${ASKED}\n`)).toMatchObject({ exit: 0 });
  expect(active(ASKED)).toBe(mesh.manifest);
});

it('refuses a node that nobody declares, a ticket of another form, a person without the right, and more than one node', async () => {
  const wrong = await restore('ams-build-77');
  expect(wrong.exit).toBe(2);
  expect(wrong.stderr).toContain('topology.yaml declares no node ams-build-77. It declares ams-sign-1');
  const lax = ['node', 'restore', OTHER, '--break-glass', '--yes', '--config', mesh.folders.config, '--home', join(folder, 'home')];
  expect((await reseal([...lax, '--ticket', 'because'])).stderr).toContain('"because" is no ticket id');
  expect((await reseal(lax)).exit).toBe(2);
  expect((await restore(OTHER, '--as', 'rita')).stderr).toContain('rita may not restore');
  expect((await reseal([...lax, PLAIN, '--ticket', 'INC-1'])).stderr).toContain('takes one node at a time');
  expect((await restore(OTHER, '--line', 'tvos')).stderr).toContain(`Node ${OTHER} does not follow tvos: it follows ios-main.`);
  expect((await restore(OTHER, '--to', 'ab12')).stderr).toContain('--to takes the whole SHA-256');
  expect((await restore(OTHER, '--to', 'a'.repeat(64))).stderr).toContain(`Manifest ${'a'.repeat(64)} is not on ${OTHER} any more`);
  expect(active(OTHER)).toBe(to);
});

it('refuses a machine that says it is another node, and the node of an agent elsewhere than on its Mac', async () => {
  const note = join(stateOf(OTHER), 'node.json');
  const own = readFileSync(note, 'utf8');
  writeFileSync(note, own.replace(OTHER, PLAIN));
  expect((await restore(OTHER)).stderr).toContain(`What is reached as ${OTHER} says that it is ${PLAIN}`);
  writeFileSync(note, own);
  const file = join(mesh.folders.config, 'topology.yaml');
  const declared = readFileSync(file, 'utf8');
  const topology = parse(declared) as { nodes: { name: string; reach: object; state?: string; mount?: string }[] };
  const withAgent = (paths: object) =>
    writeFileSync(file, stringify({ ...topology, nodes: topology.nodes.map((node) => (node.name === OTHER ? { ...node, ...paths, reach: { kind: 'agent' } } : node)) })); // prettier-ignore
  withAgent({});
  expect((await restore(OTHER)).stderr).toContain(`Node ${OTHER} is reached by its own agent alone, and this is not its Mac`);
  // On its Mac: the very same folders, as this machine has them.
  withAgent({ state: stateOf(OTHER), mount: join(home(OTHER), 'usr/local/var/reseal/mount') });
  // The account that this runs as has no profiles: it is not the one that builds.
  mkdirSync(join(folder, 'nobody'));
  vi.stubEnv('HOME', join(folder, 'nobody'));
  const elsewhere = await restore(OTHER);
  vi.unstubAllEnvs();
  expect(elsewhere.stderr).toMatch(/There is no profile in .*nobody, .*--builds-home DIR/);
  expect(active(OTHER)).toBe(to);
  expect(await restore(OTHER, '--builds-home', home(OTHER))).toMatchObject({ exit: 0 });
  expect(active(OTHER)).toBe(mesh.manifest);
  writeFileSync(file, declared);
  expect(parseJournal(readFileSync(join(stateOf(OTHER), 'journal'), 'utf8')).at(-1)).toMatchObject({ rotation: 'break-glass.ios-main.1001', do: 'switch', phase: 'result' }); // prettier-ignore
});

it('on a line with a published volume brings the pointer back at the publisher, and is refused where only an agent reaches that', async () => {
  await rotated(join(folder, 'volume'), [SIMULATED_PUBLISHER, ...simulatedNodes(2)]);
  const [, name = '', other = ''] = mesh.nodes.map((node) => node.name);
  const file = join(mesh.folders.config, 'topology.yaml');
  const declared = readFileSync(file, 'utf8');
  const topology = parse(declared) as { nodes: { name: string }[] };
  const nodes = topology.nodes.map((node) => (node.name === SIMULATED_PUBLISHER.name ? { ...node, reach: { kind: 'agent' } } : node));
  writeFileSync(file, stringify({ ...topology, nodes }));
  expect((await restore(name)).stderr).toContain(`is published by ${SIMULATED_PUBLISHER.name}, which only its own agent reaches`);
  expect(active(name)).toBe(to);
  writeFileSync(file, declared);
  expect(await restore(name)).toMatchObject({ exit: 0 });
  expect([active(name), active(other)]).toEqual([mesh.manifest, to]);
  expect(sha256Of(readFileSync(join(home(SIMULATED_PUBLISHER.name), MOUNT, 'nodes', name, 'profiles.json')))).toBe(mesh.manifest);
});
