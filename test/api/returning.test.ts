import { existsSync, readFileSync, renameSync, rmSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ApplicationFailure } from '@temporalio/common';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { parse, stringify } from 'yaml';
import { Interference } from '../e2e/interference.js';
import { activeFile, activeManifests, meshTruth, nodeTruth } from '../e2e/node-truth.js';
import { simulatedNodes } from '../../src/simulator/mesh/spec.js';
import { receiveNotices, type NoticeReceiver } from '../setup/notices.js';
import { sha256Of } from '../../src/manifest/digest.js';
import { until } from '../setup/until.js';
import { ServedMesh } from './served-mesh.js';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 240_000 });

const interference = new Interference();
let receiver: NoticeReceiver;
let served: ServedMesh;
let inForce = '';
let rotated: ReturnType<typeof meshTruth>;
const names = (): readonly string[] => served.mesh.mesh.nodes.map(({ name }) => name);
const node = (at: number): string => names()[at] ?? '';
const told = (name: string): readonly string[] => receiver.heard.map(({ text }) => text).filter((text) => text.includes(name));

/** The node's disk as of a Mac that is new. */
function emptied(name: string): void {
  rmSync(served.mesh.home(name), { recursive: true });
  mkdirSync(served.mesh.home(name));
}

/** A mesh after a rotation, which looks every second for nodes that came back. */
beforeAll(async () => {
  receiver = await receiveNotices();
  served = await ServedMesh.start({
    nodes: simulatedNodes(4),
    decorate: interference.decorate,
    policy: { returning: { mode: 'converge', every: '1s' } },
    changed: ({ folders: { config } }) => {
      writeFileSync(join(config, 'secret'), 'of the receiver');
      const file = join(config, 'reseal.yaml');
      const notify = { webhooks: [{ url: receiver.url, secretFile: join(config, 'secret'), events: ['returned'] }] };
      writeFileSync(file, stringify({ ...(parse(readFileSync(file, 'utf8')) as object), notify }));
      return Promise.resolve();
    },
  });
});
afterAll(async () => {
  await served.stop();
  await receiver.stop();
});

it('nothing is done while a rotation is in flight', async () => {
  expect(await served.reseal(['rotation', 'start', '--line', 'ios-main', '--as', 'rita', '--ticket', 'CHG-1'])).toMatchObject({ exit: 0 });
  const gate = await served.untilRotation('ios-main-1', ({ phase }) => phase === 'awaiting-signoff', 'an open gate');
  inForce = gate.to ?? '';
  const before = activeManifests(served.mesh);
  expect(await served.reseal(['schedule', 'ensure', '--as', 'rita', '--ticket', 'CHG-1'])).toMatchObject({ exit: 0 });
  await until(
    async () => {
      const { body } = await served.get('/v1/schedule');
      return (body as unknown as { returning: { recent: readonly unknown[] } }).returning.recent.length > 2;
    },
    { what: 'three looks' },
  );
  expect(activeManifests(served.mesh)).toEqual(before);
  for (const person of ['ada', 'grace'])
    expect(await served.reseal(['rotation', 'approve', 'ios-main-1', '--as', person, '--ticket', 'CHG-1'])).toMatchObject({ exit: 0 });
  await served.untilRotation('ios-main-1', ({ outcome }) => outcome === 'completed', 'its end');
  rotated = meshTruth(served.mesh);
  expect(receiver.heard).toEqual([]);
});

it('a node that was away, and has nothing of what is in force, serves it without a command, and people are told by name (R10)', async () => {
  const home = served.mesh.home(node(0));
  // By the ledger it had it; only a look at every node, or a step that failed, tells otherwise.
  await served.mesh.ledger.recordNodes([{ rotation: 'ios-main-1' as never, node: node(0) as never, cohort: 'canary', state: 'switch unreachable', active: null, passes: 0, reason: 'away', deferred: false, at: Date.now() + 1_000 }]); // prettier-ignore
  renameSync(home, `${home}-away`);
  rmSync(`${home}-away`, { recursive: true });
  mkdirSync(home);
  await until(() => told(node(0)).length > 0, { what: 'the notice', timeout: 90_000 });
  expect(nodeTruth(home)).toEqual(rotated[node(0)]);
  expect(told(node(0))).toHaveLength(1);
  expect(told(node(0))[0]).toContain(
    `${node(0)} serves what is in force on ios-main: manifest ${inForce.slice(0, 12)}; before it was nothing`,
  );
});

it('nobody else than the look itself has a node restored unasked, with a number by which it would refuse all later orders (T2)', async () => {
  const { client } = served.mesh.temporal;
  const before = nodeTruth(served.mesh.home(node(2)));
  const limits = { nodeOperationTimeout: 60_000, nodeOfflineAfter: 60_000 };
  const asked = { node: node(2), line: 'ios-main', by: 'schedule', topology: inForce, policyDigest: inForce, routes: {}, limits, manifest: inForce }; // prettier-ignore
  const { ticket } = parse(readFileSync(join(served.mesh.mesh.folders.config, 'policy.yaml'), 'utf8')).scan as { ticket: string };
  const result: unknown = await client.workflow.execute('nodeRestore', {
    workflowId: 'restore/by-an-outsider',
    taskQueue: served.mesh.taskQueue,
    args: [{ ...asked, ticket, number: 900 }],
  });
  expect(result).toMatchObject({
    outcome: 'failed',
    reason: expect.stringContaining('Number 900 of ios-main was not allotted to a look for nodes that came back') as unknown,
  });
  expect(nodeTruth(served.mesh.home(node(2)))).toEqual(before);
});

it('one whose restore fails is told once and tried after longer and longer pauses, and serves what is in force once it can (R10)', async () => {
  const name = node(1);
  let failing = true;
  interference.before = (operation, which) => {
    if (failing && operation === 'switch' && which === name)
      throw ApplicationFailure.nonRetryable('the volume of the profiles is read-only', 'DIGEST_MISMATCH');
  };
  const tries = (): number => interference.seen.filter(({ operation, node: which }) => operation === 'switch' && which === name).length;
  const [before, began] = [tries(), Date.now()];
  emptied(name);
  await served.mesh.ledger.recordNodes([{ rotation: 'ios-main-1' as never, node: name as never, cohort: 'wave 1', state: 'switch unreachable', active: null, passes: 0, reason: 'away', deferred: false, at: Date.now() + 1_000 }]); // prettier-ignore
  await until(() => tries() - before >= 3, { what: 'the third try', timeout: 90_000 });
  // After 2 and 4 s at the earliest, though every second somebody looks.
  expect(Date.now() - began).toBeGreaterThan(6_000);
  expect(told(name)).toEqual([expect.stringContaining('could not be brought to what is in force')]);
  failing = false;
  await until(() => told(name).length > 1, { what: 'the notice that it is back', timeout: 90_000 });
  expect(told(name)[1]).toContain(`${name} serves what is in force on ios-main`);
  expect(nodeTruth(served.mesh.home(name))).toEqual(rotated[name]);
  interference.before = () => undefined;
});

it('with `ask` people are told the command once, and nothing is changed', async () => {
  const name = node(2);
  served.mesh.changePolicy({ returning: { mode: 'ask', every: '1s' } });
  emptied(name);
  await served.mesh.ledger.recordNodes([{ rotation: 'ios-main-1' as never, node: name as never, cohort: 'wave 1', state: 'switch unreachable', active: null, passes: 0, reason: 'away', deferred: false, at: Date.now() + 1_000 }]); // prettier-ignore
  await until(() => told(name).length > 0, { what: 'the question', timeout: 90_000 });
  expect(told(name)[0]).toContain(`reseal node restore ${name} --line ios-main`);
  const looks = interference.seen.filter(({ operation, node: asked }) => operation === 'inspect' && asked === name).length;
  await until(() => interference.seen.filter(({ operation, node: asked }) => operation === 'inspect' && asked === name).length > looks + 2, { what: 'three more looks' }); // prettier-ignore
  expect(told(name)).toHaveLength(1);
  expect(existsSync(join(served.mesh.home(name), 'usr/local/var/reseal/mount/ios-main/profiles.json'))).toBe(false);
});

it('what a person brought back on the spot nothing takes away by itself: people are told, and a rollback of the line finds the node as it is (R7, R10)', async () => {
  const name = node(3);
  served.mesh.changePolicy({ returning: { mode: 'converge', every: '1s' } });
  const { config, root } = served.mesh.mesh.folders;
  const glass = ['node', 'restore', name, '--break-glass', '--yes', '--as', 'ada', '--ticket', 'INC-1', '--config', config];
  expect(await served.reseal([...glass, '--home', join(root, 'desk')])).toMatchObject({ exit: 0 });
  const old = served.mesh.mesh.manifest;
  const now = (): string => sha256Of(readFileSync(activeFile(served.mesh, name)));
  expect(now()).toBe(old);
  // By the ledger it serves what is in force; a look at the node itself tells.
  expect((await served.reseal(['node', 'inspect', name])).stdout).toContain('a person on the spot, without the control plane');
  await until(() => told(name).length > 0, { what: 'the notice', timeout: 90_000 });
  expect(told(name)[0]).toContain(`reseal node restore ${name} --line ios-main`);
  const looks = interference.seen.filter(({ operation, node: asked }) => operation === 'inspect' && asked === name).length;
  await until(() => interference.seen.filter(({ operation, node: asked }) => operation === 'inspect' && asked === name).length > looks + 2, { what: 'three more looks' }); // prettier-ignore
  expect([told(name).length, now()]).toEqual([1, old]);

  const turned = await served.reseal(['rotation', 'rollback', 'ios-main-1', '--as', 'ada', '--ticket', 'INC-1', '--reason', 'archives fail']); // prettier-ignore
  expect(turned).toMatchObject({ exit: 0 });
  // Restores take numbers of the line too.
  const id = turned.stdout.match(/ios-main-(?!1\b)\d+/)?.[0] ?? turned.stdout;
  await served.untilRotation(id, ({ outcome }) => outcome === 'rolled-back', 'its end');
  expect(new Set(Object.values(activeManifests(served.mesh)))).toEqual(new Set([old]));
  expect((await served.reseal(['node', 'inspect', name])).stdout).not.toContain('a person on the spot');
});
