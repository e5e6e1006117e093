import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import type { ScheduleView } from '../../src/presenters/schedule.js';
import { sha256Of } from '../../src/manifest/digest.js';
import { simulatedNodes } from '../../src/simulator/mesh/spec.js';
import { AgentProcesses, behindAgents } from '../e2e/agent-processes.js';
import { behindSsh } from '../e2e/behind-ssh.js';
import { activeFile, meshTruth, nodeTruth, type NodeTruth } from '../e2e/node-truth.js';
import { hostsFolder } from '../setup/hosts-folder.js';
import { sshdMissing, type TestHost } from '../setup/sshd.js';
import { until } from '../setup/until.js';
import { ServedMesh } from './served-mesh.js';

/** Over an agent, over SSH, and one that is declared only after the rotation, over SSH as well. */
const [AGENT, SSH, JOINER] = ['ams-sign-1', 'iad-sign-1', 'ams-build-1'] as const;

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

async function rotate(served: ServedMesh): Promise<string> {
  expect(await served.reseal(['rotation', 'start', '--line', 'ios-main', '--as', 'rita', '--ticket', 'CHG-1'])).toMatchObject({ exit: 0 });
  const gate = await served.untilRotation('ios-main-1', ({ phase }) => phase === 'awaiting-signoff', 'an open gate');
  for (const person of ['ada', 'grace'])
    expect(await served.reseal(['rotation', 'approve', 'ios-main-1', '--as', person, '--ticket', 'CHG-1'])).toMatchObject({ exit: 0 });
  await served.untilRotation('ios-main-1', ({ outcome }) => outcome === 'completed', 'its end');
  return gate.to ?? '';
}

describe.skipIf(sshdMissing !== null)(`nodes behind an agent and behind sshd${sshdMissing === null ? '' : ` (${sshdMissing})`}`, () => {
  const servers: TestHost[] = [];
  let folder: string;
  let served: ServedMesh;
  let agents: AgentProcesses;
  let inForce: string;
  let old: string;
  let rotated: ReturnType<typeof meshTruth>;
  const topologyFile = (): string => join(served.mesh.mesh.folders.config, 'topology.yaml');
  let declared = '';
  const images = (): string => join(served.mesh.folder, 'images');
  const truth = (node: string): NodeTruth => nodeTruth(served.mesh.home(node));
  const active = (node: string): string | null => {
    const file = activeFile(served.mesh, node);
    return existsSync(file) ? sha256Of(readFileSync(file)) : null;
  };

  beforeAll(async () => {
    folder = mkdtempSync(join(hostsFolder(), 'returning-'));
    served = await ServedMesh.start({
      folder,
      nodes: simulatedNodes(4),
      policy: {
        returning: { mode: 'ask', every: '1d' },
        limits: { stepNodes: 100, activitiesPerSecond: 1000, nodeOperationTimeout: '60s', nodeOfflineAfter: '8s' },
      },
      changed: async (mesh) => {
        await behindAgents(mesh, (node) => node === AGENT);
        await behindSsh(mesh, servers, {}, (node) => node === SSH || node === JOINER);
        const file = join(mesh.folders.config, 'topology.yaml');
        declared = readFileSync(file, 'utf8');
        const topology = parse(declared) as { nodes: { name: string }[] };
        writeFileSync(file, stringify({ ...topology, nodes: topology.nodes.filter(({ name }) => name !== JOINER) }));
      },
    });
    agents = new AgentProcesses(served.mesh);
    await agents.start(AGENT);
    old = served.mesh.mesh.manifest;
    for (const node of [AGENT, SSH]) cpSync(served.mesh.home(node), join(images(), node), { recursive: true });
    inForce = await rotate(served);
    rotated = meshTruth(served.mesh);
  });
  afterAll(async () => {
    await agents.stopAll();
    await served.stop();
    for (const server of servers) await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** What lies on the node's disk, while its agent, if it has one, is down as the Mac is. */
  async function reimage(node: string, disk: (home: string) => void): Promise<void> {
    if (node === AGENT) await agents.stop(AGENT);
    const home = served.mesh.home(node);
    rmSync(home, { recursive: true });
    disk(home);
    if (node === AGENT) await agents.start(AGENT);
  }
  const empty = (home: string): void => void mkdirSync(home);
  const fromImage = (node: string) => (home: string) => void cpSync(join(images(), node), home, { recursive: true });

  it('`node restore` brings one that has nothing and one whose image has the retired UUIDs to what is in force, over either way (R10)', async () => {
    await reimage(AGENT, empty);
    await reimage(SSH, fromImage(SSH));
    expect([active(AGENT), active(SSH)]).toEqual([null, old]);
    const ran = await served.reseal(['node', 'restore', AGENT, SSH, '--as', 'ada', '--ticket', 'CHG-5', '--json']);
    expect(ran, ran.stdout + ran.stderr).toMatchObject({ exit: 0 });
    expect((JSON.parse(ran.stdout) as { restores: unknown }).restores).toMatchObject([
      { node: AGENT, before: null, active: inForce, outcome: 'done', retired: [] },
      { node: SSH, before: old, active: inForce, outcome: 'done', retired: [old] },
    ]);
    for (const node of [AGENT, SSH]) expect(truth(node), node).toEqual(rotated[node]);
  });

  it('and the other way round', async () => {
    await reimage(AGENT, fromImage(AGENT));
    await reimage(SSH, empty);
    const ran = await served.reseal(['node', 'restore', AGENT, SSH, '--as', 'ada', '--ticket', 'CHG-6', '--json']);
    expect(ran, ran.stdout + ran.stderr).toMatchObject({ exit: 0 });
    for (const node of [AGENT, SSH]) expect(truth(node), node).toEqual(rotated[node]);
  });

  it('one that is away is told as away with exit 3, over either way', async () => {
    await agents.stop(AGENT);
    const server = servers[0];
    await server?.stop();
    await server?.cut();
    const ran = await served.reseal(['node', 'restore', AGENT, SSH, '--as', 'ada', '--ticket', 'CHG-7', '--json']);
    expect(ran, ran.stdout + ran.stderr).toMatchObject({ exit: 3 });
    expect((JSON.parse(ran.stdout) as { restores: unknown }).restores).toMatchObject([
      { node: AGENT, outcome: 'unreachable', at: 'inspect', active: null },
      { node: SSH, outcome: 'unreachable', at: 'inspect', active: null },
    ]);
    await server?.restart();
    await agents.start(AGENT);
  });

  it('by themselves: a look at every node finds the retired UUIDs of an image and nothing at all, and a joiner is brought to what is in force when it is declared (R10)', async () => {
    await reimage(AGENT, fromImage(AGENT));
    await reimage(SSH, empty);
    writeFileSync(topologyFile(), declared);
    served.mesh.changePolicy({ returning: { mode: 'converge', every: '1s' }, scan: { every: '1s', ticket: 'CHG-1' } });
    expect(await served.reseal(['schedule', 'ensure', '--as', 'rita', '--ticket', 'CHG-1'])).toMatchObject({ exit: 0 });
    await until(() => [AGENT, SSH].every((node) => same(truth(node), rotated[node])), {
      what: 'both to have what is in force, and nothing of their image',
      timeout: 180_000,
    });
    // The joiner's image was of before the rotation, as was that of its like.
    await until(() => active(JOINER) === inForce, { what: 'the joiner to serve what is in force', timeout: 60_000 });
    await until(() => same(truth(JOINER), rotated['bom-sign-1']), { what: 'its old assets to be gone', timeout: 60_000 });
  });
});

describe('a mesh of more nodes than one look asks at once', () => {
  let served: ServedMesh;
  let rotated: ReturnType<typeof meshTruth>;
  beforeAll(async () => {
    served = await ServedMesh.start({
      nodes: simulatedNodes(105),
      policy: {
        cohorts: { canary: { perImage: 1, share: '2%' }, waves: ['100%'], maxUnavailable: '50%', stallTimeout: '2m' },
        returning: { mode: 'converge', every: '1s' },
        scan: { every: '1s', ticket: 'CHG-1' },
      },
    });
    await rotate(served);
    rotated = meshTruth(served.mesh);
  });
  afterAll(() => served.stop());

  const emptied = (node: string): void => {
    rmSync(served.mesh.home(node), { recursive: true });
    mkdirSync(served.mesh.home(node));
  };
  const back = (node: string): boolean => same(nodeTruth(served.mesh.home(node)), rotated[node]);

  it('finds those on the last page too (R10)', async () => {
    const names = served.mesh.mesh.nodes.map(({ name }) => name).sort();
    const ends = [names[0] ?? '', names.at(-1) ?? ''];
    ends.forEach(emptied);
    expect(await served.reseal(['schedule', 'ensure', '--as', 'rita', '--ticket', 'CHG-1'])).toMatchObject({ exit: 0 });
    await until(() => ends.every(back), { what: 'both to be whole again', timeout: 180_000 });
  });

  it('paused with the scan, it looks when it is triggered; removed with it, it is gone', async () => {
    const shown = async () => (await served.get('/v1/schedule')).body as unknown as ScheduleView;
    expect(await served.reseal(['schedule', 'pause', '--as', 'rita', '--ticket', 'CHG-1'])).toMatchObject({ exit: 0 });
    expect(await shown()).toMatchObject({ paused: true, returning: { exists: true, paused: true } });
    const [node = ''] = served.mesh.mesh.nodes.map(({ name }) => name);
    emptied(node);
    expect(await served.reseal(['schedule', 'trigger', '--as', 'rita', '--ticket', 'CHG-1'])).toMatchObject({ exit: 0 });
    await until(() => back(node), { what: 'the node to be whole again', timeout: 120_000 });
    expect(await served.reseal(['schedule', 'remove', '--as', 'rita', '--ticket', 'CHG-1'])).toMatchObject({ exit: 0 });
    expect(await shown()).toMatchObject({ exists: false, returning: { exists: false } });
  });
});
