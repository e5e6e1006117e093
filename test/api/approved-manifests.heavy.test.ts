import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { parse, stringify } from 'yaml';
import type { Sha256 } from '../../src/domain/brands.js';
import { orderStatement } from '../../src/domain/node/order-signature.js';
import { pinKeys } from '../../src/identity/pinned-keys.js';
import { simulatedNodes, ROSTER } from '../../src/simulator/mesh/spec.js';
import { newMachineKey, readMachineKey } from '../../src/statement/machine-key.js';
import { AgentProcesses, behindAgents } from '../e2e/agent-processes.js';
import { activeManifests } from '../e2e/node-truth.js';
import { Outsider } from '../e2e/outsider.js';
import { hostsFolder } from '../setup/hosts-folder.js';
import { makeSshKey, type SshKey } from '../setup/ssh-keys.js';
import { rawEvents } from '../setup/workflow-payloads.js';
import { ServedMesh } from './served-mesh.js';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 240_000 });

/** Behind an agent, with approvers pinned, and in no canary. */
const NODE = 'iad-sign-1';
const HOME = mkdtempSync(join(tmpdir(), 'reseal-approvers-'));
const key = Object.fromEntries(['ada', 'grace', 'rita', 'mallory', 'carl'].map((name) => [name, makeSshKey(HOME, name)])) as Record<
  string,
  SshKey
>;
const secret = newMachineKey();
const installation = readMachineKey(secret, 'the installation', 'reseal order-key new');

let served: ServedMesh;
let agents: AgentProcesses;
let dishonest: Outsider;
let folder: string;
let old: Sha256;

const reseal = (...argv: string[]) => served.reseal(argv, { env: { HOME } });
const state = (): string => join(served.mesh.home(NODE), 'usr/local/var/reseal/state');
const servesNow = (): string | null | undefined => activeManifests(served.mesh)[NODE];

beforeAll(async () => {
  folder = mkdtempSync(join(hostsFolder(), 'approved-'));
  writeFileSync(join(folder, 'order.key'), secret, { mode: 0o600 });
  served = await ServedMesh.start({
    folder,
    nodes: simulatedNodes(3),
    policy: { limits: { stepNodes: 100, activitiesPerSecond: 1000, nodeOperationTimeout: '60s', nodeOfflineAfter: '20s' } },
    changed: async (mesh) => {
      await behindAgents(mesh, (node) => node === NODE);
      const change = (name: string, by: (document: Record<string, unknown>) => object): void => {
        const file = join(mesh.folders.config, name);
        writeFileSync(file, stringify(by(parse(readFileSync(file, 'utf8')) as Record<string, unknown>)));
      };
      change('topology.yaml', ({ nodes, ...rest }) => ({
        ...rest,
        nodes: (nodes as { name: string }[]).map((node) => (node.name === NODE ? { ...node, canary: 'forbidden' } : node)),
      }));
      change('reseal.yaml', (rest) => ({ ...rest, orders: { key: { file: join(folder, 'order.key') } } }));
      const persons = ROSTER.persons.map((person) => ({
        ...person,
        keys: person.id in key ? [{ kind: 'ssh', public: key[person.id]?.line }] : [],
      }));
      change('roster.yaml', (rest) => ({ ...rest, persons }));
      await pinKeys(join(mesh.folders.nodes, NODE, 'usr/local/var/reseal/state'), [installation.line]);
    },
  });
  old = served.mesh.mesh.manifest;
  const { config } = served.mesh.mesh.folders;
  const pinned = await reseal(
    'node',
    'enroll',
    NODE,
    '--approvers',
    'declared',
    '--config',
    config,
    '--builds-home',
    served.mesh.home(NODE),
  );
  expect(pinned, pinned.stderr).toMatchObject({
    exit: 0,
    stdout: expect.stringMatching(/It serves what 2 of .*ada.*It is in no canary\./s),
  });
  agents = new AgentProcesses(served.mesh);
  await agents.start(NODE);
  dishonest = await Outsider.start(served.mesh);
});
afterAll(async () => {
  await dishonest.stop();
  await agents.stopAll();
  await served.stop();
  for (const one of [folder, HOME]) rmSync(one, { recursive: true, force: true });
});

/** Somebody who has the installation's own key has the node switch; answers why it did not. */
async function refusalOf(change: object): Promise<string> {
  const order = { ...(await newestStage()), sentAt: Date.now(), notAfter: Date.now() + 60_000, revertTo: null, ...change };
  return dishonest.refusalOf(NODE, 'switchNode', { ...order, signature: installation.sign(orderStatement('switchNode', order)) });
}

interface StageOrder {
  readonly node?: string;
  readonly sentAt: number;
  readonly signature?: string;
  readonly to?: string;
}

/** What the node was last told to stage, as an order that somebody goes on with. */
async function newestStage(): Promise<object> {
  let newest: StageOrder | null = null;
  for (const { event } of await rawEvents(served.mesh.temporal.client)) {
    const scheduled = event.activityTaskScheduledEventAttributes;
    if (scheduled?.activityType?.name !== 'stageNode') continue;
    const order = JSON.parse(Buffer.from(scheduled.input?.payloads?.[0]?.data ?? '').toString('utf8')) as StageOrder;
    if (order.node === NODE && (newest === null || order.sentAt > newest.sentAt)) newest = order;
  }
  const { signature: _, to, ...order } = newest ?? ({ sentAt: 0 } satisfies StageOrder);
  expect(to).toMatch(/^[0-9a-f]{64}$/);
  return { ...order, target: to };
}

const NOBODY =
  /^iad-sign-1 serves on ios-main what 2 of its approvers have approved, and not manifest [0-9a-f]{12}: nobody has\. Nothing was touched\./;

it('nobody has approved it: a node is switched to it by no order, whoever signs it, as a canary or not (T2, T6)', async () => {
  const started = await reseal(
    'rotation',
    'start',
    '--line',
    'ios-main',
    '--as',
    'rita',
    '--ticket',
    'CHG-1',
    '--key',
    key['rita']?.path ?? '',
  );
  expect(started, started.stderr).toMatchObject({ exit: 0 });
  await served.untilRotation('ios-main-1', ({ gate }) => gate.binds !== null, 'an open gate');
  expect(await refusalOf({})).toMatch(NOBODY);
  expect(await refusalOf({ canary: true })).toMatch(NOBODY);
  expect(await refusalOf({ target: 'e'.repeat(64) })).toMatch(NOBODY);
});

it('what somebody puts into the store beside it is no approval', async () => {
  const { to } = await served.rotation('ios-main-1');
  const store = served.mesh.around.store('main');
  await store.putApprovals(to as Sha256, { approvals: [{ statement: {}, signature: 'x' }, null] }, {});
  expect(await refusalOf({})).toContain('nobody has; one is no signed statement; one is no signed statement. Nothing was touched.');
});

it('two have: the rotation switches it, and what they signed lies in the store (R5)', async () => {
  for (const person of ['ada', 'grace']) {
    const approved = await reseal(
      'rotation',
      'approve',
      'ios-main-1',
      '--as',
      person,
      '--ticket',
      'CHG-1',
      '--key',
      key[person]?.path ?? '',
    );
    expect(approved, approved.stderr).toMatchObject({ exit: 0 });
  }
  const { to } = await served.untilRotation('ios-main-1', ({ outcome }) => outcome === 'completed', 'its end');
  expect(servesNow()).toBe(to);
  expect(readFileSync(join(state(), 'approved-manifests'), 'utf8')).toContain(`ios-main ${to}\n`);
  expect(await served.mesh.around.store('main').approvals(to as Sha256)).toMatchObject({
    manifest: to,
    approvals: [{ statement: { person: 'ada' } }, { statement: { person: 'grace' } }],
  });
});

it('a head that was moved without approvals brings no node there; one that was approved does, from the store alone (R10)', async () => {
  const store = served.mesh.around.store('main');
  const head = await store.head(served.mesh.mesh.line);
  const good = head?.digest ?? ('' as Sha256);
  const text = Buffer.from(await store.manifest(good)).toString('utf8');
  const forged = await store.putManifest(Buffer.from(text.replace(/("createdAt"\s*:\s*")\d{4}/, '$12019').replace(/\n$/, '\n')), {});
  await store.advance(served.mesh.mesh.line, head?.seq ?? 0, forged, {});
  const restore = () => reseal('node', 'restore', NODE, '--as', 'ada', '--ticket', 'CHG-5', '--json', '--key', key['ada']?.path ?? '');
  const refused = await restore();
  expect(refused.exit, refused.stdout + refused.stderr).not.toBe(0);
  expect(refused.stdout + refused.stderr).toContain('and not manifest');
  expect(servesNow()).toBe(good);
  await store.advance(served.mesh.mesh.line, (head?.seq ?? 0) + 1, good, {});
  // As on a machine that was pinned before that rotation and was away.
  writeFileSync(join(state(), 'approved-manifests'), `ios-main ${old}\n`);
  const done = await restore();
  expect(done, done.stdout + done.stderr).toMatchObject({ exit: 0 });
  expect(servesNow()).toBe(good);
});

it('the way back to what was in force when it was pinned needs no approvals (R7)', async () => {
  const back = await reseal('rotation', 'rollback', 'ios-main-1', '--as', 'ada', '--ticket', 'INC-1', '--key', key['ada']?.path ?? '');
  expect(back, back.stderr).toMatchObject({ exit: 0 });
  await vi.waitFor(() => expect(servesNow()).toBe(old), { timeout: 60_000, interval: 200 });
});

/** Of rotations, the newest first; restores have numbers too. */
const ids = async (): Promise<readonly string[]> => {
  const { rotations } = (await (await served.fetch('/v1/rotations')).json()) as { readonly rotations: readonly { readonly id: string }[] };
  return rotations.map(({ id }) => id);
};
const adopt = (person: string) => reseal('roster', 'adopt', '--as', person, '--ticket', 'CHG-6', '--key', key[person]?.path ?? '');

it('who came onto the roster since is counted there too once two of those pinned have adopted it, and nobody pins anew (T2, T6)', async () => {
  for (const person of ['ada', 'grace']) expect(await adopt(person)).toMatchObject({ exit: 0 });
  const file = join(served.mesh.mesh.folders.config, 'roster.yaml');
  const roster = parse(readFileSync(file, 'utf8')) as { readonly persons: readonly object[] };
  const carl = { id: 'carl', name: 'Carl Weiss', roles: ['approvers'], keys: [{ kind: 'ssh', public: key['carl']?.line }] };
  writeFileSync(file, stringify({ ...roster, persons: [...roster.persons, carl] }));
  for (const person of ['ada', 'grace']) expect(await adopt(person)).toMatchObject({ exit: 0 });
  const [back = ''] = await ids();
  await served.untilRotation(back, ({ outcome }) => outcome !== null, 'the end of the way back');
  const started = await reseal('rotation', 'start', '--line', 'ios-main', '--as', 'rita', '--ticket', 'CHG-1', '--after', back, '--key', key['rita']?.path ?? ''); // prettier-ignore
  expect(started, started.stderr).toMatchObject({ exit: 0 });
  const [id = ''] = await ids();
  await served.untilRotation(id, ({ gate }) => gate.binds !== null, 'an open gate');
  // As on a machine that was never told of the first one.
  writeFileSync(join(state(), 'approved-manifests'), `ios-main ${old}\n`);
  await served.mesh.around.store('main').putApprovals((await served.rotation(id)).to as Sha256, { approvals: [] }, {});
  for (const person of ['ada', 'carl'])
    expect(await reseal('rotation', 'approve', id, '--as', person, '--ticket', 'CHG-1', '--key', key[person]?.path ?? '')).toMatchObject({ exit: 0 }); // prettier-ignore
  const { to } = await served.untilRotation(id, ({ outcome }) => outcome === 'completed', 'its end');
  expect(servesNow()).toBe(to);
  expect(JSON.parse(readFileSync(join(state(), 'approvers.json'), 'utf8'))).toMatchObject({
    number: 2,
    keys: { carl: [key['carl']?.line] },
  });
});
