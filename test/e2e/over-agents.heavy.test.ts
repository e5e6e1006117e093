import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { hostsFolder } from '../setup/hosts-folder.js';
import { AgentProcesses, behindAgents } from './agent-processes.js';
import { activeManifests, effects, journalOf, meshTruth } from './node-truth.js';
import { startScenario, type Scenario } from './scenario.js';

/** How long a node whose agent takes up nothing is waited for. */
const OFFLINE_AFTER = '8s';

let scenario: Scenario;
let agents: AgentProcesses;
let folder: string;
beforeAll(async () => {
  // No cleaner empties it: paths of agents are those of this machine.
  folder = mkdtempSync(join(hostsFolder(), 'agents-'));
  scenario = await startScenario({
    folder,
    nodes: 3,
    builders: 'faulty',
    changed: (mesh) => behindAgents(mesh),
    policy: { limits: { stepNodes: 100, activitiesPerSecond: 1000, nodeOperationTimeout: '60s', nodeOfflineAfter: OFFLINE_AFTER } },
  });
  agents = new AgentProcesses(scenario.mesh);
  await Promise.all(['ams-sign-1', 'iad-sign-1'].map((node) => agents.start(node)));
});
afterAll(async () => {
  await agents.stopAll();
  await scenario.end();
  rmSync(folder, { recursive: true, force: true });
});

it('a node without an agent is unreachable by name at preflight, and nothing hangs (R3, R4)', async () => {
  const { mesh, before } = scenario;
  await mesh.rotate();
  const { outcome, reasons } = await mesh.result();
  expect(outcome).toBe('refused');
  expect(reasons).toEqual([
    'bom-sign-1: the agent of bom-sign-1 took up no work within 8 s; see on that Mac whether `reseal agent run --node bom-sign-1` runs, and reaches Temporal',
  ]);
  expect(meshTruth(mesh)).toEqual(before);
});

it('a node that lies of what it has written is caught by read-back, and brought back (R4, R6)', async () => {
  const { mesh, before } = scenario;
  await agents.start('bom-sign-1', { lies: true });
  await mesh.rotate();
  const { outcome, reasons } = await mesh.result();
  expect(outcome).toBe('rolled-back');
  expect(reasons.join(' ')).toMatch(/staging failed on bom-sign-1: .*Node bom-sign-1: .*\.mobileprovision/);
  expect(meshTruth(mesh)).toEqual(before);
  expect(await agents.stop('bom-sign-1')).toBe(0);
});

it('an agent killed with -9 in the middle of a switch and started again: the next attempt mends the node, and the mesh rotates to its end (R2, R8, R12, invariant 1)', async () => {
  const { mesh } = scenario;
  const dying = agents.start('bom-sign-1', { dieBefore: 'activate' });
  await dying;
  await mesh.rotate();
  const approved = mesh.approve('ada', 'grace');
  await agents.gone('bom-sign-1');
  const begun = journalOf(mesh, 'bom-sign-1').filter((entry) => entry.rotation === 'ios-main-3');
  expect(begun.some((entry) => entry.do === 'switch' && entry.phase === 'intent')).toBe(true);
  expect(begun.some((entry) => entry.do === 'switch' && entry.phase === 'result')).toBe(false);
  await agents.start('bom-sign-1');
  await approved;
  expect(await mesh.result()).toEqual({ id: 'ios-main-3', outcome: 'completed', reasons: [] });
  const head = await mesh.around.store('main').head(mesh.mesh.line);
  expect(new Set(Object.values(activeManifests(mesh)))).toEqual(new Set([head?.digest]));
  for (const { name } of mesh.mesh.nodes) expect(effects(mesh, name, 'ios-main-3', 'activate')).toHaveLength(1);
});
