import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import type { NodeName } from '../../src/domain/brands.js';
import { inspectNode } from '../../src/api/nodes.js';
import { simulatedNodes } from '../../src/simulator/mesh/spec.js';
import { startAgent, type AgentRequest, type RunningAgent } from '../../src/temporal/agent/agent.js';
import { pollersOf } from '../../src/temporal/agent/pollers.js';
import { behindAgents } from '../e2e/agent-processes.js';
import { RotatingMesh } from '../e2e/rotating-mesh.js';
import { hostsFolder } from '../setup/hosts-folder.js';
import { until } from '../setup/until.js';

const NODE = 'ams-sign-1' as NodeName;
let folder: string;
let mesh: RotatingMesh;
const running = new Set<RunningAgent>();

beforeAll(async () => {
  folder = mkdtempSync(join(hostsFolder(), 'agent-'));
  mesh = await RotatingMesh.start({ folder, nodes: simulatedNodes(5), changed: behindAgents });
});
afterAll(async () => {
  for (const agent of running) await agent.stop().catch(() => undefined);
  await mesh.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function start(change: Partial<AgentRequest> & { readonly node?: NodeName } = {}): Promise<RunningAgent> {
  const { node = NODE, ...more } = change;
  const { address, namespace } = mesh.temporal;
  const agent = await startAgent({
    folder: mesh.mesh.folders.config,
    home: mesh.mesh.folders.root,
    temporal: { address, namespace },
    nodes: [{ name: node, home: mesh.home(node) }],
    path: '/nonexistent',
    port: 0,
    taskQueue: mesh.taskQueue,
    ...more,
  });
  running.add(agent);
  return agent;
}

/** The same mesh as another Mac has it: with a state folder, and so a lock, of its own. */
function onAnotherMac(name: string): string {
  const config = join(folder, name);
  mkdirSync(config);
  for (const file of ['policy', 'roster', 'reseal', 'topology']) {
    const text = readFileSync(join(mesh.mesh.folders.config, `${file}.yaml`), 'utf8');
    writeFileSync(join(config, `${file}.yaml`), file === 'topology' ? moved(text, name) : text);
  }
  return config;
}
function moved(text: string, name: string): string {
  const topology = parse(text) as { nodes: { name: string; state: string }[] };
  return stringify({ ...topology, nodes: topology.nodes.map((node) => ({ ...node, state: join(folder, `${name}-${node.name}`) })) });
}

const stateOf = (node: string): string => join(mesh.home(node), 'usr/local/var/reseal/state');

describe('an agent', () => {
  it('serves its node from the first moment, tells where its health is, and leaves nothing behind', async () => {
    const agent = await start();
    const told = JSON.parse(readFileSync(join(stateOf(NODE), 'agent.json'), 'utf8')) as Record<string, unknown>;
    expect(told).toMatchObject({ schemaVersion: 1, node: NODE, pid: process.pid, health: agent.health });
    const answer = await fetch(agent.health);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({
      schemaVersion: 1,
      serving: true,
      pid: process.pid,
      nodes: [{ node: NODE, state: 'RUNNING', inFlight: 0 }],
    });
    expect((await fetch(agent.health.replace('healthz', ''))).status).toBe(404);
    const desk = {
      client: mesh.temporal.client,
      ledger: mesh.ledger,
      around: mesh.around,
      taskQueue: mesh.taskQueue,
      home: mesh.mesh.folders.root,
    };
    const { nodes } = await inspectNode(desk, NODE, 0);
    expect(nodes[0]?.lines[0]).toMatchObject({ verdict: 'pass', active: mesh.mesh.manifest });
    await agent.stop();
    expect(existsSync(join(stateOf(NODE), 'agent.json'))).toBe(false);
    expect(existsSync(join(stateOf(NODE), 'agent.lock'))).toBe(false);
    await expect(fetch(agent.health)).rejects.toThrow();
  });

  it('is looked for and named by `node inspect` where there is none, once the policy’s time is over', async () => {
    const desk = {
      client: mesh.temporal.client,
      ledger: mesh.ledger,
      around: mesh.around,
      taskQueue: mesh.taskQueue,
      home: mesh.mesh.folders.root,
    };
    const { nodes } = await inspectNode(desk, 'bom-sign-1', 0);
    expect(nodes[0]?.lines[0]).toMatchObject({
      verdict: 'unreachable',
      reason: expect.stringContaining('the agent of bom-sign-1 took up no work within 1 s') as string,
    });
  });

  it('is the only one of its node on a machine; the next one may come when it has ended', async () => {
    const first = await start();
    await expect(start()).rejects.toMatchObject({
      code: 'SECOND_AGENT',
      message: expect.stringContaining(`process ${process.pid} holds ${stateOf(NODE)}`) as string,
    });
    expect((await fetch(first.health)).status).toBe(200);
    await first.stop();
    const next = await start();
    await next.stop();
  });

  it('says which port is taken, and which namespace is not there, and holds nothing afterwards', async () => {
    const taken = await start();
    const port = Number(new URL(taken.health).port);
    await expect(start({ node: 'ams-build-1' as NodeName, port })).rejects.toMatchObject({ code: 'USAGE' });
    const temporal = { address: mesh.temporal.address, namespace: 'nowhere' };
    await expect(start({ node: 'ams-build-1' as NodeName, temporal })).rejects.toMatchObject({
      code: 'TEMPORAL_UNREACHABLE',
      message: expect.stringContaining('in namespace nowhere') as string,
    });
    expect(existsSync(join(stateOf('ams-build-1'), 'agent.lock'))).toBe(false);
    await taken.stop();
  });

  it('is not hindered by the lock of one that was killed', async () => {
    writeFileSync(join(stateOf(NODE), 'agent.lock'), JSON.stringify({ pid: process.pid, startTime: 'of another process' }));
    const agent = await start();
    await agent.stop();
  });

  it('is the only one of its node among all machines: one that comes later is refused, and says who was there', async () => {
    const node = 'iad-sign-1' as NodeName;
    const first = await start({ node, host: 'mac-a' });
    const other = { node, host: 'mac-b', folder: onAnotherMac('mac-b') };
    const { native, namespace } = mesh.temporal;
    const polls = () => pollersOf(native, namespace, `${mesh.taskQueue}/node/${node}`);
    await until(async () => (await polls()).length > 0, { what: 'its first poll' });
    await expect(start(other)).rejects.toMatchObject({
      code: 'SECOND_AGENT',
      message: expect.stringContaining(`process ${process.pid} on mac-a`) as string,
    });
    expect((await fetch(first.health)).status).toBe(200);
    await first.stop();
  });

  it('of two that came at the same moment the older one stays, and the younger one ends with the reason', async () => {
    const node = 'bom-sign-1' as NodeName;
    // Neither sees the other before it polls itself.
    const [first, second] = await Promise.all([
      start({ node, host: 'mac-c', folder: onAnotherMac('mac-c'), lookEvery: 300 }),
      start({ node, host: 'mac-d', folder: onAnotherMac('mac-d'), lookEvery: 300 }),
    ]);
    const ends = await Promise.race([
      first.ended.then(() => null, (error: unknown) => ({ error, other: second })),
      second.ended.then(() => null, (error: unknown) => ({ error, other: first })),
    ]); // prettier-ignore
    expect(ends?.error).toMatchObject({ code: 'SECOND_AGENT' });
    expect((await fetch(ends?.other.health ?? '')).status).toBe(200);
    await ends?.other.stop();
  });

  it('serves several nodes of a machine that stands in for a mesh, and refuses what is not declared so', async () => {
    const nodes = ['ams-build-1', 'iad-build-1'].map((name) => ({ name: name as NodeName, home: mesh.home(name) }));
    const agent = await start({ nodes });
    expect(await (await fetch(agent.health)).json()).toMatchObject({ nodes: nodes.map(({ name }) => ({ node: name, state: 'RUNNING' })) });
    await agent.stop();
    await expect(start({ nodes: [{ name: 'nobody' as NodeName, home: '/' }] })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
