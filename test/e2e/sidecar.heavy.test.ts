import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parse, stringify } from 'yaml';
import { loadConfiguration } from '../../src/configuration/load.js';
import { keyAlias } from '../../src/domain/key-alias.js';
import { findRcodesign } from '../../src/mac/rcodesign.js';
import { startSidecar, type RunningSidecar } from '../../src/sidecar/server.js';
import type { SimulatedMesh } from '../../src/simulator/mesh/create.js';
import { seedNodes } from '../../src/simulator/mesh/seed.js';
import { keepAtSidecar, sidecarFolders } from '../../src/simulator/mesh/sidecar.js';
import { simulatedNodes } from '../../src/simulator/mesh/spec.js';
import { openSurroundings } from '../../src/temporal/surroundings.js';
import { hostsFolder } from '../setup/hosts-folder.js';
import { AgentProcesses, behindAgents } from './agent-processes.js';
import { RotatingMesh } from './rotating-mesh.js';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const SOCKET = '/usr/local/var/reseal/sidecar/socket';
const CHECKS = { probe: { passes: 2, interval: '20ms', checkTimeout: '20s', inconclusiveFor: '1s' } };

let running: RunningSidecar;
let mesh: RotatingMesh;

const start = (root: string): Promise<RunningSidecar> =>
  startSidecar({
    file: sidecarFolders(root).file,
    rcodesign: findRcodesign(),
    env: process.env,
    now: () => Date.now(),
    say: () => undefined,
  });

/** The mesh's keys at a sidecar, that in force as an alias; its nodes as they would be had they always followed such a line. */
async function overSidecar(made: SimulatedMesh): Promise<void> {
  const { folders, line, certificate, nextCertificate, manifest } = made;
  const { keys, run } = sidecarFolders(folders.root);
  await mkdir(keys, { recursive: true });
  await mkdir(run, { recursive: true, mode: 0o750 });
  await keepAtSidecar(folders, line, 'socket', { inForce: [certificate], next: [nextCertificate] });
  for (const node of made.nodes) {
    const place = join(folders.nodes, node.name, dirname(SOCKET));
    await mkdir(dirname(place), { recursive: true });
    await symlink(run, place);
  }
  const path = join(folders.config, 'topology.yaml');
  const topology = parse(readFileSync(path, 'utf8')) as {
    lines: Record<string, Record<string, unknown>>;
    nodes: Record<string, unknown>[];
  };
  const { keychains: _, ...declared } = topology.lines[line] ?? {};
  topology.lines[line] = { ...declared, identity: 'sidecar', sidecar: { socket: SOCKET } };
  topology.nodes = topology.nodes.map(({ keys: _keys, ...node }) => node);
  writeFileSync(path, stringify(topology));
  running = await start(folders.root);
  const around = await openSurroundings(folders.config, folders.root);
  await seedNodes(loadConfiguration(folders.config), around.store('main'), around.profiles, line, manifest);
  await around.close();
}

/** Its nodes have agents, which know the sidecar's socket by the path that it has on this machine. */
async function byAgents(made: SimulatedMesh): Promise<void> {
  await behindAgents(made);
  const path = join(made.folders.config, 'topology.yaml');
  writeFileSync(path, readFileSync(path, 'utf8').replace(SOCKET, join(sidecarFolders(made.folders.root).run, 'socket')));
}

const begin = async (reached?: 'by-agents'): Promise<void> => {
  mesh = await RotatingMesh.start({
    ...(reached === undefined ? {} : { folder: mkdtempSync(join(hostsFolder(), 'sidecar-')) }),
    nodes: simulatedNodes(4),
    successors: 'new-certificate',
    changed: async (made) => {
      await overSidecar(made);
      if (reached === 'by-agents') await byAgents(made);
    },
    policy: CHECKS,
  });
};
afterEach(async () => {
  await mesh.stop();
  await running.stop();
});

const aliasOf = (which: 'certificate' | 'nextCertificate'): string => keyAlias(mesh.mesh.line, mesh.mesh[which].sha1);
const addNext = (): void => {
  const { file, next } = sidecarFolders(mesh.mesh.folders.root);
  writeFileSync(file, readFileSync(next));
};
/** Which alias signed last for each node. */
function signedLast(): readonly string[] {
  const last = new Map<string, string>();
  for (const line of readFileSync(join(sidecarFolders(mesh.mesh.folders.root).keys, 'signatures.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')) {
    const { by, alias } = JSON.parse(line) as { by: string; alias: string };
    last.set(/^canary of (\S+) in /.exec(by)?.[1] ?? '', alias);
  }
  expect([...last.keys()].sort()).toEqual(mesh.mesh.nodes.map((node) => node.name).sort());
  return [...new Set(last.values())];
}
/** The aliases to which the settings of the manifest in force bind builds, on the first node. */
function bound(): readonly string[] {
  const [node] = mesh.mesh.nodes;
  const mount = join(mesh.home(node?.name ?? ''), 'usr/local/var/reseal/mount', mesh.mesh.line);
  const active = createHash('sha256')
    .update(readFileSync(join(mount, 'profiles.json')))
    .digest('hex');
  const settings = readFileSync(join(mount, 'settings', active, 'app-store/reseal.xcconfig'), 'utf8');
  return [...new Set([...settings.matchAll(/^RESEAL_ALIAS_\S+ = (.+)$/gm)].map(([, alias = '']) => alias))];
}
const told = async (rotation: string): Promise<string> => JSON.stringify(await mesh.ledger.eventsAfter(rotation, -1));

/** There and, after an incident, back. */
async function rotatesAndComesBack(): Promise<void> {
  addNext();
  expect(bound()).toEqual([aliasOf('certificate')]);
  await mesh.rotate();
  const gate = await mesh.untilGate();
  expect(gate.kind).toBe('certificate');
  await mesh.approve('ada', 'grace');
  expect(await mesh.result()).toMatchObject({ outcome: 'completed' });
  expect(signedLast()).toEqual([aliasOf('nextCertificate')]);
  expect(bound()).toEqual([aliasOf('nextCertificate')]);
  await mesh.rollBackCompleted('ios-main-1');
  expect(await mesh.result()).toMatchObject({ outcome: 'rolled-back' });
  expect(signedLast()).toEqual([aliasOf('certificate')]);
  expect(bound()).toEqual([aliasOf('certificate')]);
}

describe('a line whose keys are at a sidecar', () => {
  beforeEach(() => begin());

  it('a new certificate needs its alias first: until then preflight refuses, and says which to add on which node', async () => {
    await mesh.rotate();
    expect(await mesh.result()).toMatchObject({ outcome: 'refused' });
    const [node] = mesh.mesh.nodes;
    expect(await told('ios-main-1')).toContain(
      `Node ${node?.name ?? ''}: its sidecar has no alias ${aliasOf('nextCertificate')}; add it there, with the key of certificate ${mesh.mesh.nextCertificate.sha1}`,
    );
    expect(signedLast()).toEqual([aliasOf('certificate')]);
  });

  it('canaries sign through the sidecar by the new alias, and after an incident by the old one again (R2, S4)', rotatesAndComesBack);

  it('with the sidecar away nothing begins, and nothing is taken for a failure of the keys', async () => {
    addNext();
    await running.stop();
    await mesh.rotate();
    expect(await mesh.result()).toMatchObject({ outcome: 'refused' });
    expect(await told('ios-main-1')).toContain('the signing sidecar is not there');
    running = await start(mesh.mesh.folders.root);
  });
});

describe('a line whose keys are at a sidecar, on nodes with agents', () => {
  let agents: AgentProcesses;
  beforeEach(async () => {
    await begin('by-agents');
    agents = new AgentProcesses(mesh);
    await Promise.all(mesh.mesh.nodes.map(({ name }) => agents.start(name)));
  });
  afterEach(async () => {
    await agents.stopAll();
  });

  it('canaries sign through the sidecar by the new alias, and after an incident by the old one again (R2, R12, S4)', async () => {
    await rotatesAndComesBack();
  });
});
