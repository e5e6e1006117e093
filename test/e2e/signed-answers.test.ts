import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { NativeConnection } from '@temporalio/worker';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import type { InspectionOrder } from '../../activities/node/contract.js';
import type { NodeReport } from '../../src/domain/node/report.js';
import { reportStatement, type SignedAnswer } from '../../src/domain/node/report-signature.js';
import { agentQueue } from '../../src/domain/node/routes.js';
import { enroll } from '../../src/identity/enrolled-keys.js';
import type { SimulatedMesh } from '../../src/simulator/mesh/create.js';
import { newMachineKey, readMachineKey } from '../../src/statement/machine-key.js';
import { runWorker, type RunningWorker } from '../../src/temporal/running-worker.js';
import { createResealWorker } from '../../src/temporal/workers.js';
import { hostsFolder } from '../setup/hosts-folder.js';
import { eventsOf } from '../setup/workflow-payloads.js';
import { AgentProcesses, behindAgents } from './agent-processes.js';
import { meshTruth } from './node-truth.js';
import { rotateAndBack, startScenario, type Scenario } from './scenario.js';

const NODE = 'iad-sign-1';
/** Of the node, and of another one, which somebody has got hold of. */
let key = '';
const stolen = readMachineKey(newMachineKey(), 'the stolen key', 'reseal node enroll');

let scenario: Scenario;
let agents: AgentProcesses;
let folder: string;
const stateOf = (mesh: SimulatedMesh): string => join(mesh.folders.nodes, NODE, 'usr/local/var/reseal/state');

/** What topology.yaml says of the node's key. */
function declare(mesh: SimulatedMesh, nodeKey: string | readonly string[]): void {
  const file = join(mesh.folders.config, 'topology.yaml');
  const topology = parse(readFileSync(file, 'utf8')) as { nodes: { name: string }[] };
  writeFileSync(file, stringify({ ...topology, nodes: topology.nodes.map((node) => (node.name === NODE ? { ...node, nodeKey } : node)) }));
}

beforeAll(async () => {
  folder = mkdtempSync(join(hostsFolder(), 'signed-'));
  scenario = await startScenario({
    folder,
    nodes: 3,
    changed: async (mesh) => {
      await behindAgents(mesh, (node) => node === NODE);
      key = (await enroll(stateOf(mesh), [], 'keep')).key;
      declare(mesh, key);
    },
    policy: { limits: { stepNodes: 100, activitiesPerSecond: 1000, nodeOperationTimeout: '60s', nodeOfflineAfter: '20s' } },
  });
  agents = new AgentProcesses(scenario.mesh);
});
afterAll(async () => {
  await agents.stopAll();
  await scenario.end();
  rmSync(folder, { recursive: true, force: true });
});

let impostor: RunningWorker | null = null;
afterEach(async () => {
  await impostor?.stop();
  impostor = null;
});

/** Somebody else who takes up the node's work, and says that all is as it should be. */
async function pretend(dress: (order: InspectionOrder, body: NodeReport) => unknown): Promise<void> {
  const { mesh } = scenario;
  const connection = await NativeConnection.connect({ address: mesh.temporal.address });
  const worker = await createResealWorker({
    connection,
    namespace: mesh.temporal.namespace,
    taskQueue: agentQueue(mesh.taskQueue, NODE as never),
    activities: { inspectNode: (order: InspectionOrder) => Promise.resolve(dress(order, allIsWell(order))) },
  });
  impostor = runWorker(worker, () => connection.close());
}

const allIsWell = ({ node, manifest }: InspectionOrder): NodeReport => ({
  ...{ node, at: Date.now(), protocol: 1, version: '0.1.0', image: 'tahoe-26.1-sign-b2', active: manifest, accepted: [manifest], epoch: 0 },
  ...{ verdict: 'pass', problems: [], findings: [] },
});

async function refusal(): Promise<string> {
  const { mesh, before } = scenario;
  await mesh.rotate();
  const { outcome, reasons } = await mesh.result();
  expect(outcome).toBe('refused');
  expect(meshTruth(mesh)).toEqual(before);
  return reasons.join('\n');
}

/** The newest true answer of the node, as anybody who reads Temporal's histories has it. */
async function recorded(): Promise<SignedAnswer<NodeReport> | null> {
  const { mesh } = scenario;
  let newest: SignedAnswer<NodeReport> | null = null;
  for (const { event } of await eventsOf(mesh.temporal.client, mesh.taskQueue)) {
    const text = Buffer.from(event.activityTaskCompletedEventAttributes?.result?.payloads?.[0]?.data ?? '').toString('utf8');
    if (!text.includes('SSH SIGNATURE') || !text.includes('"verdict"')) continue;
    const answer = JSON.parse(text) as SignedAnswer<NodeReport>;
    if (newest === null || answer.body.at > newest.body.at) newest = answer;
  }
  return newest;
}

it('a node answers under its own key, and is switched and brought back (T2, R4)', async () => {
  await agents.start(NODE);
  await rotateAndBack(scenario);
  expect((await recorded())?.signature).toMatch(/^-----BEGIN SSH SIGNATURE-----/);
});

it('an agent without the key that is declared touches nothing and says so', async () => {
  const { mesh } = scenario;
  declare(mesh.mesh, stolen.line);
  expect(await refusal()).toContain('This machine has none of the keys that are declared for iad-sign-1, so it cannot sign what it says');
  declare(mesh.mesh, key);
});

it('a key is replaced while the agent runs: both are declared for a while, then the new one alone, and the old one is gone', async () => {
  const { mesh } = scenario;
  const state = stateOf(mesh.mesh);
  const replacing = await enroll(state, [key], 'renew');
  expect(replacing).toMatchObject({ kind: 'replacing', key, declared: 'old' });
  const next = replacing.kind === 'replacing' ? replacing.next : '';
  declare(mesh.mesh, [key, next]);
  await rotateAndBack(scenario);
  declare(mesh.mesh, next);
  expect(await enroll(state, [next], 'keep')).toEqual({ kind: 'replaced', key: next });
  await rotateAndBack(scenario);
  expect(await enroll(state, [next], 'keep')).toEqual({ kind: 'enrolled', key: next, made: false, declared: true });
  await agents.stop(NODE);
});

it('whoever takes up another node’s work and signs nothing is not believed: the answer is refused by name, and nothing is touched', async () => {
  await pretend((_, body) => body);
  expect(await refusal()).toContain(`${NODE}: the answer for ${NODE} does not count: it is not signed, and its key is enrolled`);
});

it('nor is one that signs with another node’s key, which it may have stolen', async () => {
  await pretend((order, body) => ({
    body,
    signature: stolen.sign(reportStatement('inspectNode', order, order.sign?.nonce ?? '', body)),
  }));
  expect(await refusal()).toMatch(/iad-sign-1 does not count: it is signed by another key \(SHA256:[A-Za-z0-9+/]{43}\)/);
});

it('nor is a true answer of before, replayed', async () => {
  const answer = await recorded();
  await pretend(() => answer);
  expect(await refusal()).toContain('does not count: the signature does not count: it does not fit what it is said to sign');
});
