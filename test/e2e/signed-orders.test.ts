import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import type { NodeOrder } from '../../src/domain/node/order.js';
import { orderStatement } from '../../src/domain/node/order-signature.js';
import { pinKeys } from '../../src/identity/pinned-keys.js';
import type { SimulatedMesh } from '../../src/simulator/mesh/create.js';
import { newMachineKey, readMachineKey } from '../../src/statement/machine-key.js';
import { hostsFolder } from '../setup/hosts-folder.js';
import { eventsOf } from '../setup/workflow-payloads.js';
import { AgentProcesses, behindAgents } from './agent-processes.js';
import { meshTruth } from './node-truth.js';
import { Outsider } from './outsider.js';
import { rotateAndBack, startScenario, type Scenario } from './scenario.js';

const NODE = 'iad-sign-1';
const MADE = 'reseal order-key new';
const secret = newMachineKey();
const own = readMachineKey(secret, 'the installation’s', MADE);
const stolen = readMachineKey(newMachineKey(), 'somebody’s', MADE);

let scenario: Scenario;
let agents: AgentProcesses;
let folder: string;
let outsider: Outsider;
const stateOf = (mesh: SimulatedMesh): string => join(mesh.folders.nodes, NODE, 'usr/local/var/reseal/state');
const reseal = (mesh: SimulatedMesh): string => join(mesh.folders.config, 'reseal.yaml');

/** From now on orders are signed, or are not. */
function declareOrders(mesh: SimulatedMesh, orders: object | null): void {
  const { orders: _, ...rest } = parse(readFileSync(reseal(mesh), 'utf8')) as Record<string, unknown>;
  writeFileSync(reseal(mesh), stringify({ ...rest, ...(orders === null ? {} : { orders }) }));
}

beforeAll(async () => {
  folder = mkdtempSync(join(hostsFolder(), 'ordered-'));
  const file = join(folder, 'order.key');
  writeFileSync(file, secret, { mode: 0o600 });
  scenario = await startScenario({
    folder,
    nodes: 3,
    changed: async (mesh) => {
      await behindAgents(mesh, (node) => node === NODE);
      declareOrders(mesh, { key: { file } });
      await pinKeys(stateOf(mesh), [own.line]);
    },
    policy: { limits: { stepNodes: 100, activitiesPerSecond: 1000, nodeOperationTimeout: '60s', nodeOfflineAfter: '20s' } },
  });
  agents = new AgentProcesses(scenario.mesh);
  await agents.start(NODE);
  outsider = await Outsider.start(scenario.mesh);
});
afterAll(async () => {
  await outsider.stop();
  await agents.stopAll();
  await scenario.end();
  rmSync(folder, { recursive: true, force: true });
});

const refusalOf = (operation: string, order: object): Promise<string> => outsider.refusalOf(NODE, operation, order);

type Recorded = NodeOrder & { readonly to?: string; readonly signature?: string };

/** The last order of that kind to the node, as anybody who reads Temporal's histories has it. */
async function recorded(operation: string): Promise<Recorded> {
  const { mesh } = scenario;
  let newest: Recorded | null = null;
  for (const { event } of await eventsOf(mesh.temporal.client, mesh.taskQueue)) {
    const scheduled = event.activityTaskScheduledEventAttributes;
    if (scheduled?.activityType?.name !== operation) continue;
    const order = JSON.parse(Buffer.from(scheduled.input?.payloads?.[0]?.data ?? '').toString('utf8')) as Recorded;
    if (order.node === NODE && (newest === null || order.sentAt > newest.sentAt)) newest = order;
  }
  expect(newest, operation).not.toBeNull();
  return newest as Recorded;
}

it('a node that has the installation’s key pinned follows its orders, there and back (T2, R4)', async () => {
  await rotateAndBack(scenario);
  expect((await recorded('stageNode')).signature).toMatch(/^-----BEGIN SSH SIGNATURE-----/);
});

it('whoever else may schedule work for it is refused by name: unsigned, under a stolen key, another operation, a changed order', async () => {
  const { signature, ...order } = await recorded('stageNode');
  const fresh = { ...order, epoch: order.epoch + 1000, sentAt: Date.now(), notAfter: Date.now() + 60_000 };
  expect(await refusalOf('stageNode', fresh)).toContain(
    'This machine follows orders of its installation alone, and this stageNode is not signed: nothing was touched.',
  );
  expect(await refusalOf('stageNode', { ...fresh, signature: stolen.sign(orderStatement('stageNode', fresh)) })).toMatch(
    /is signed by another key \(SHA256:[A-Za-z0-9+/]{43}\)/,
  );
  const doesNotFit = 'is not signed so that it counts: the signature does not count: it does not fit what it is said to sign';
  expect(await refusalOf('stageNode', { ...fresh, signature })).toContain(doesNotFit);
  expect(await refusalOf('stageNode', { ...order, to: 'f'.repeat(64), signature })).toContain(doesNotFit);
  expect(await refusalOf('restoreNode', { ...order, manifest: order.to, signature })).toContain(doesNotFit);
  // Reading is an order as well.
  const { signature: _, ...look } = await recorded('inspectNode');
  expect(await refusalOf('inspectNode', look)).toContain('this inspectNode is not signed');
});

it('a true order of before, played again, is older than what the node has followed since', async () => {
  expect(await refusalOf('stageNode', await recorded('stageNode'))).toMatch(
    /refuses .*: the order has epoch \d+, the node has already followed epoch \d+/,
  );
});

it('a key is replaced in three steps, and nothing is refused on the way', async () => {
  const { mesh } = scenario;
  const state = stateOf(mesh.mesh);
  const next = join(folder, 'order.key.next');
  const text = newMachineKey();
  writeFileSync(next, text, { mode: 0o600 });
  const { line } = readMachineKey(text, next, MADE);
  await pinKeys(state, [own.line, line]);
  declareOrders(mesh.mesh, { key: { file: next } });
  await rotateAndBack(scenario);
  await pinKeys(state, [line]);
  await rotateAndBack(scenario);
  declareOrders(mesh.mesh, { key: { file: join(folder, 'order.key') } });
  await mesh.rotate();
  const { outcome, reasons } = await mesh.result();
  expect([outcome, reasons.join('\n')]).toEqual(['refused', expect.stringContaining('is signed by another key')]);
});

it('a key that cannot be had any more refuses the rotation before anything is touched, and says which file', async () => {
  const { mesh, before } = scenario;
  declareOrders(mesh.mesh, { key: { file: join(folder, 'gone.key') } });
  await mesh.rotate();
  const { outcome, reasons } = await mesh.result();
  expect(outcome).toBe('refused');
  expect(reasons.join('\n')).toMatch(/The key that orders are signed with is not to be had: the file \S+gone\.key/);
  expect(meshTruth(mesh)).toEqual(before);
});
