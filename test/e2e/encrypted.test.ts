import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ApplicationFailure } from '@temporalio/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { nodeAudience } from '../../src/domain/codec/audience.js';
import { simulatedNodes } from '../../src/simulator/mesh/spec.js';
import { encryptingCodec, keyIdOf } from '../../src/temporal/codec/encryption.js';
import { keysText, newRootKey, type StoredKey } from '../../src/temporal/codec/key-file.js';
import { controlRing, handedOut, ringOf } from '../../src/temporal/codec/key-ring.js';
import { createCodecServer, listenForPayloads } from '../../src/api/codec-server/server.js';
import type { RunningHttp } from '../../src/api/listen.js';
import { runProcess } from '../../src/temporal/run-process.js';
import { findTemporalCli } from '../../src/temporal/temporal-cli.js';
import { hostsFolder } from '../setup/hosts-folder.js';
import { payloadsIn, rawEvents, type RawEvent } from '../setup/workflow-payloads.js';
import { AgentProcesses, behindAgents } from './agent-processes.js';
import { OwnServer } from './own-server.js';
import { RotatingMesh } from './rotating-mesh.js';

/** What a failure says, in its message and, by the name of what threw it, in its stack. */
const PLANTED = 'planted-77ab02';
const BEHIND_AGENT = 'bom-sign-1';
const root = newRootKey('active', Date.now());
/** What it is changed for while a rotation waits at its gate. */
const next = newRootKey('active', Date.now());

/** Key files of control plane and agent, as `codec-key new`, `activate` and `hand-out` write them. */
function putKeys(config: string, roots: readonly StoredKey[]): void {
  writeFileSync(join(config, 'control.json'), keysText(roots), { mode: 0o600 });
  writeFileSync(join(config, 'nodes.json'), keysText(handedOut(nodeAudience(BEHIND_AGENT), roots)), { mode: 0o600 });
}

function plantedThrower(): never {
  throw ApplicationFailure.nonRetryable(`the disk says ${PLANTED}`, 'NODE_WRITE_FAILED', PLANTED);
}

const byTime = (a: RawEvent, b: RawEvent): number => timeOf(a) - timeOf(b);
const timeOf = ({ event: { eventTime } }: RawEvent): number => Number(eventTime?.seconds ?? 0) * 1000 + (eventTime?.nanos ?? 0) / 1e6;

let folder: string;
let server: OwnServer;
let mesh: RotatingMesh;
let agents: AgentProcesses;
let events: readonly RawEvent[];
let manifest: string;
beforeAll(async () => {
  folder = mkdtempSync(join(hostsFolder(), 'encrypted-'));
  server = await OwnServer.start();
  let fails = true;
  mesh = await RotatingMesh.start({
    folder,
    temporal: server.temporal,
    nodes: simulatedNodes(3),
    changed: async (created) => {
      await behindAgents(created, (name) => name === BEHIND_AGENT);
      const { config } = created.folders;
      putKeys(config, [root]);
      const path = join(config, 'reseal.yaml');
      const codec = { control: { file: 'control.json' }, nodes: { file: 'nodes.json' } };
      writeFileSync(path, stringify({ ...(parse(readFileSync(path, 'utf8')) as object), codec }));
    },
    decorate: (nodes) => ({
      ...nodes,
      stageNode: (order) => (fails && order.node === 'iad-sign-1' ? plantedThrower() : nodes.stageNode(order)),
    }),
  });
  agents = new AgentProcesses(mesh);
  await agents.start(BEHIND_AGENT);
  await mesh.rotate();
  await mesh.untilStatus(({ outcome }) => outcome !== null, 'the end of a rotation whose staging fails');
  const end = await mesh.result();
  // What went wrong is told to people.
  expect(end).toMatchObject({ outcome: 'rolled-back' });
  expect(end.reasons.join(' ')).toContain(PLANTED);
  fails = false;
  await mesh.rotate();
  await mesh.untilGate();
  putKeys(mesh.mesh.folders.config, [next, { ...root, status: 'read-only' }]);
  await agents.stop(BEHIND_AGENT);
  await agents.start(BEHIND_AGENT);
  await mesh.restartWorker();
  await mesh.approve('ada', 'grace');
  expect(await mesh.result()).toMatchObject({ outcome: 'completed' });
  const { digest } = (await mesh.around.store('main').head(mesh.mesh.line)) ?? { digest: '' };
  manifest = digest;
  events = await rawEvents(server.temporal.client);
});
afterAll(async () => {
  await agents.stopAll();
  await mesh.stop();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('rotations of a mesh with codec keys', () => {
  it('leave nothing of manifests, failures or stacks in histories, search attributes and ids among it, nor in the database (T1, T3)', () => {
    expect(events.length).toBeGreaterThan(100);
    const kept = [...events.map(({ bytes }) => bytes), server.databaseBytes()];
    for (const text of [PLANTED, 'plantedThrower', 'the disk says', manifest, 'mobileprovision', 'Ada Marten'])
      expect(kept.filter((bytes) => bytes.includes(text)).length, text).toBe(0);
    for (const { key } of [root, next]) expect(kept.some((bytes) => bytes.includes(Buffer.from(key)))).toBe(false);
  });

  it('encrypt every payload but search attributes and one word in headers', () => {
    const plain = events.flatMap(({ event, workflowId }) => {
      const { searchAttributes: _, ...started } = event.workflowExecutionStartedEventAttributes ?? {};
      const { searchAttributes: _none, ...child } = event.startChildWorkflowExecutionInitiatedEventAttributes ?? {};
      const { searchAttributes: _also, ...again } = event.workflowExecutionContinuedAsNewEventAttributes ?? {};
      const { header, ...scheduled } = event.activityTaskScheduledEventAttributes ?? {};
      // Temporal's codecs leave headers as they are. This one is one word, the same everywhere: it asks for the heads of audit chains.
      const words = Object.entries(header?.fields ?? {}).map(([name, { data }]) => `${name} ${Buffer.from(data ?? []).toString()}`);
      expect(words.filter((word) => word !== 'reseal-audit "heads"')).toEqual([]);
      const rest = {
        ...event,
        activityTaskScheduledEventAttributes: scheduled,
        workflowExecutionStartedEventAttributes: started,
        startChildWorkflowExecutionInitiatedEventAttributes: child,
        workflowExecutionContinuedAsNewEventAttributes: again,
        upsertWorkflowSearchAttributesEventAttributes: null,
        // What the SDK notes for itself: which patches and markers it knows.
        markerRecordedEventAttributes: null,
        workflowTaskCompletedEventAttributes: null,
      };
      return payloadsIn(rest)
        .filter((payload) => keyIdOf(payload) === null)
        .map((payload) => `${workflowId} ${event.eventType ?? ''} ${Buffer.from(payload.data ?? []).toString()}`);
    });
    expect(plain).toEqual([]);
  });

  it('write what goes to a node behind an agent, and what comes from it, under the key of that node', () => {
    const scheduled = events.filter(({ event }) =>
      event.activityTaskScheduledEventAttributes?.taskQueue?.name?.endsWith(`/node/${BEHIND_AGENT}`),
    );
    expect(scheduled.length).toBeGreaterThan(5);
    const answers = events.filter(({ event, workflowId }) =>
      scheduled.some(
        (one) =>
          one.workflowId === workflowId &&
          String(event.activityTaskCompletedEventAttributes?.scheduledEventId) === String(one.event.eventId),
      ),
    );
    expect(answers.length).toBeGreaterThan(5);
    // The header is not encoded; what stands in it is seen to above.
    const asked = scheduled.map(({ event }) => event.activityTaskScheduledEventAttributes?.input);
    const told = answers.map(({ event }) => event.activityTaskCompletedEventAttributes);
    const ids = [...asked, ...told].flatMap((message) => payloadsIn(message).map(keyIdOf));
    expect(new Set(ids)).toEqual(new Set([`${root.id}/node/${BEHIND_AGENT}`, `${next.id}/node/${BEHIND_AGENT}`]));
  });

  it('go on under a new key that came while they waited for people: the old one is read, and nothing is written under it any more', () => {
    const ids = [...events].sort(byTime).flatMap(({ event }) => payloadsIn(event).flatMap((payload) => keyIdOf(payload) ?? []));
    const last = ids.findLastIndex((id) => id.startsWith(root.id));
    expect(ids.filter((id) => id.startsWith(next.id)).length).toBeGreaterThan(20);
    // What had been said when the workers were started again is passed on as it is.
    expect(ids.slice(last + 1).every((id) => id.startsWith(next.id))).toBe(true);
    expect(ids.slice(last + 1).length).toBeGreaterThan(20);
  });

  it("a stolen key of a node reads orders and answers of that node and the talk of its seat, nothing of any rotation's own (T6)", async () => {
    const stolen = encryptingCodec({
      ring: ringOf(nodeAudience(BEHIND_AGENT), handedOut(nodeAudience(BEHIND_AGENT), [next, { ...root, status: 'read-only' }]), 'stolen'),
      servedBy: () => nodeAudience(BEHIND_AGENT),
    });
    const read = new Map<string, number>();
    const kinds = new Set<string>();
    for (const { event, workflowId } of events) {
      for (const payload of payloadsIn(event).filter((one) => keyIdOf(one) !== null)) {
        const opened = await stolen.decode([payload]).then(
          () => true,
          () => false,
        );
        if (!opened) continue;
        read.set(workflowId, (read.get(workflowId) ?? 0) + 1);
        const of = event.activityTaskScheduledEventAttributes ?? event.activityTaskCompletedEventAttributes ?? null;
        if (of === null && !workflowId.startsWith('seat/')) kinds.add(`${workflowId} ${String(event.eventType)}`);
      }
    }
    expect([...kinds]).toEqual([]);
    expect([...read.keys()].filter((id) => id.startsWith('seat/'))).toEqual([`seat/${mesh.taskQueue}/${BEHIND_AGENT}`]);
  });
});

describe("Temporal's own command line", () => {
  const TOKEN = 'a-token-of-this-test';
  const denied: string[] = [];
  let codec: RunningHttp;
  beforeAll(async () => {
    const ring = controlRing([next, { ...root, status: 'read-only' }], 'test');
    const options = {
      ring,
      token: TOKEN,
      origins: ['http://127.0.0.1:8233'],
      onDenied: (one: string) => void denied.push(one),
      clock: Date.now,
    };
    codec = await listenForPayloads(createCodecServer(options), '127.0.0.1:0');
  });
  afterAll(() => codec.stop());
  const show = async (...more: string[]) => {
    const { path } = await findTemporalCli();
    const { address, namespace } = server.temporal;
    const runId = events.find(({ event }) => event.workflowExecutionStartedEventAttributes?.workflowType?.name === 'rotation');
    const args = ['workflow', 'show', '--address', address, '--namespace', namespace, '--workflow-id', runId?.workflowId ?? '', '--output', 'json']; // prettier-ignore
    return runProcess(path, [...args, ...more], { timeout: 60_000 });
  };

  /** What its JSON holds: payloads are in Base64 there. */
  const held = (stdout: string): string =>
    [stdout, ...[...stdout.matchAll(/"data": "([^"]+)"/g)].map(([, data = '']) => Buffer.from(data, 'base64').toString('latin1'))].join(
      '\n',
    );

  it('reads a history through the codec server with its token, and is denied without (T3)', async () => {
    const open = await show('--codec-endpoint', codec.url, '--codec-auth', `Bearer ${TOKEN}`);
    expect(open.code).toBe(0);
    expect(held(open.stdout)).toContain(manifest);
    expect(open.stdout).not.toContain('encryption-key-id');
    const shut = await show('--codec-endpoint', codec.url);
    expect(shut.code).not.toBe(0);
    expect(held(shut.stdout)).not.toContain(manifest);
    expect(denied).toContain('POST /decode was refused: The codec server needs its token, as Authorization: Bearer TOKEN.');
  });
});
