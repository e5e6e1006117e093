import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ClosingRecord } from '../../activities/rotation/contract.js';
import { mayTell } from '../../src/domain/audit/answer.js';
import type { AuditHead, AuditRecord } from '../../src/domain/audit/record.js';
import type { NodeName, Sha256 } from '../../src/domain/brands.js';
import { nodeAudience } from '../../src/domain/codec/audience.js';
import { enroll } from '../../src/identity/enrolled-keys.js';
import { simulatedNodes } from '../../src/simulator/mesh/spec.js';
import { startAgent, type RunningAgent } from '../../src/temporal/agent/agent.js';
import { nodeLog } from '../../src/temporal/audit/node-log.js';
import { faults, linesIn, overwrite, verified } from '../audit/chains.js';
import { hostsFolder } from '../setup/hosts-folder.js';
import { temporaryFolder } from '../setup/temporary-folder.js';
import { until } from '../setup/until.js';
import { behindAgents } from './agent-processes.js';
import { RotatingMesh } from './rotating-mesh.js';

const NODES = simulatedNodes(3).map(({ name }) => name as NodeName);
let folder: string;
let mesh: RotatingMesh;
let agent: RunningAgent;
const keys = new Map<NodeName, string>();
/** Steps that began while no chain of a node had their intent. */
const unannounced: string[] = [];

const stateOf = (node: string): string => join(mesh.home(node), 'usr/local/var/reseal/state');
const chainOf = (node: string): string => join(stateOf(node), 'audit', 'agent-1');
const recordsIn = (chain: string): readonly AuditRecord[] =>
  linesIn(chain)
    .filter((line) => !line.startsWith('{"seal"'))
    .map((line) => JSON.parse(line) as AuditRecord);
const hasOpenIntent = (chain: string): boolean => {
  const records = existsSync(chain) ? recordsIn(chain) : [];
  const done = new Set(records.flatMap((record) => (record.kind === 'result' ? [record.of] : [])));
  return records.some((record) => record.kind === 'intent' && !done.has(record.seq));
};

beforeAll(async () => {
  folder = mkdtempSync(join(hostsFolder(), 'nodes-audited-'));
  mesh = await RotatingMesh.start({ folder, nodes: simulatedNodes(3), changed: behindAgents });
  for (const node of NODES) keys.set(node, (await enroll(stateOf(node), [], 'keep')).key);
  const { address, namespace } = mesh.temporal;
  agent = await startAgent({
    folder: mesh.mesh.folders.config,
    home: mesh.mesh.folders.root,
    temporal: { address, namespace },
    nodes: NODES.map((name) => ({ name, home: mesh.home(name) })),
    path: '/nonexistent',
    port: 0,
    taskQueue: mesh.taskQueue,
    hooks: {
      beforeEffect: ({ do: step }) => {
        if (!NODES.some((node) => hasOpenIntent(chainOf(node)))) unannounced.push(step);
      },
    },
  });
});
afterAll(async () => {
  await agent.stop();
  await mesh.stop();
  rmSync(folder, { recursive: true, force: true });
});

it('T4: an agent has a chain under the key of its machine: each order that changes the node leaves an intent before it and a result after it', async () => {
  // Who only reads leaves nothing, and begins no chain.
  expect(NODES.filter((node) => existsSync(chainOf(node)))).toEqual([]);
  await mesh.rotate();
  await mesh.approve('ada', 'grace');
  expect((await mesh.result()).outcome).toBe('completed');
  expect(unannounced).toEqual([]);
  for (const node of NODES) {
    const sealed = async () => {
      const read = await verified(chainOf(node));
      return read.records > 6 && read.seal?.seal.seq === read.records && read;
    };
    const read = await until(sealed, { what: `a chain of ${node} that is sealed to its end` });
    expect(faults(read)).toEqual([]);
    const records = recordsIn(chainOf(node));
    expect(records[0]).toMatchObject({ kind: 'begin', writer: { kind: 'agent', name: node }, key: keys.get(node) });
    const intents = records.filter((record) => record.kind === 'intent');
    expect(intents.map(({ effect }) => effect)).toEqual(['stageNode', 'switchNode', 'retireNode']);
    expect(intents.every(({ facts }) => facts['node'] === node && facts['rotation'] === 'ios-main-1')).toBe(true);
    expect(records.filter((record) => record.kind === 'result').map(({ outcome, facts }) => [outcome, facts['outcome']])).toEqual(
      Array(3).fill(['done', 'done']),
    );
  }
});

it('T4: the rotation anchors the chains of its nodes, in its closing record and in the ledger: nobody on a node cuts one off or writes it anew', async () => {
  const record = (await mesh.around.store('main').record('ios-main-1')) as ClosingRecord;
  const heads = record.state.audit ?? [];
  const status = await until(
    async () => {
      const now = await mesh.ledger.rotation('ios-main-1');
      return now?.outcome === 'completed' && (now.audit?.length ?? 0) > 1 && now;
    },
    { what: 'the anchors in the ledger' },
  );
  expect(status.audit).toEqual(heads);
  expect(heads.filter(({ chain }) => chain.startsWith('worker-'))).toHaveLength(1);
  for (const node of NODES) {
    const records = recordsIn(chainOf(node));
    const head = heads.find(({ chain }) => chain === records[0]?.chain);
    const retired = records.findLast((one) => one.kind === 'result');
    expect(head?.seq).toBe(retired?.seq);
  }
  const [node] = NODES as [NodeName];
  const known = heads.filter(({ chain }) => chain === recordsIn(chainOf(node))[0]?.chain).map((head) => ({ ...head, from: 'ios-main-1' }));
  const kept = linesIn(chainOf(node)).slice(0, 3).filter((line) => !line.startsWith('{"seal"')); // prettier-ignore
  const copy = join(folder, 'cut-off');
  overwrite(copy, kept);
  expect(faults(await verified(chainOf(node), known))).toEqual([]);
  expect((await verified(copy, known)).findings.map(({ fault }) => fault)).toContain('truncated');
});

it('T4: where its chain cannot be written an agent refuses in words what goes forward; what goes back goes on, and the chain tells that it lacks it', async () => {
  const state = temporaryFolder('reseal-node-log');
  const inTheWay = join(state, 'audit');
  writeFileSync(inTheWay, '');
  const { log, close } = nodeLog({ kind: 'agent', name: 'ams-sign-1' }, state);
  const order = { node: 'ams-sign-1', line: 'ios-main', rotation: 'ios-main-1', epoch: 1, opId: 'op', pins: [] };
  const done: string[] = [];
  const perform = (name: string, more: object = {}): Promise<unknown> =>
    log.around({ name, attempt: 1, order: { ...order, ...more } }, () => {
      done.push(name);
      return Promise.resolve({ outcome: 'done', active: null });
    });
  await expect(perform('stageNode')).rejects.toMatchObject({
    code: 'AUDIT_UNWRITABLE',
    message: expect.stringContaining(`No audit chain can be taken up in ${inTheWay}`) as string,
  });
  await perform('unstageNode', { remove: [], keep: [] });
  expect(done).toEqual(['unstageNode']);
  rmSync(inTheWay);
  await perform('stageNode');
  await close();
  const chain = join(inTheWay, 'agent-1');
  expect(recordsIn(chain).map((record) => ('effect' in record ? `${record.kind} ${record.effect}` : record.kind))).toEqual([
    ...['begin', 'unwritten', 'intent stageNode', 'result stageNode'],
  ]);
  expect(faults(await verified(chain))).toEqual([]);
  // Who is not enrolled has no key, and gets none by this.
  expect(existsSync(join(state, 'node.key'))).toBe(false);
  expect(readFileSync(join(chain, '0000000000000001.jsonl'), 'utf8')).not.toContain('"seal"');
});

it('T4: no node tells heads of another’s chain, or of a worker’s, and what is none is passed over', () => {
  const head = (chain: string): AuditHead => ({ chain, seq: 9, digest: 'a'.repeat(64) as Sha256 });
  const from = nodeAudience('ams-sign-1');
  expect(mayTell(from, head('agent-ams-sign-1-0123456789ab'))).toBe(true);
  expect(mayTell('gateway/eu-west', head('gateway-eu-west-0123456789ab'))).toBe(true);
  expect(mayTell('control', head('worker-desk-0123456789ab'))).toBe(true);
  for (const chain of ['worker-desk-0123456789ab', 'agent-ams-sign-2-0123456789ab', 'gateway-eu-west-0123456789ab', 'agent-ams-sign-1'])
    expect(mayTell(from, head(chain)), chain).toBe(false);
  expect(mayTell(from, null)).toBe(false);
  expect(mayTell(from, { ...head('agent-ams-sign-1-0123456789ab'), seq: 0.5 })).toBe(false);
});
