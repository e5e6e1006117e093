import { renameSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { activeManifests, meshTruth } from './node-truth.js';
import { startScenario, type Scenario } from './scenario.js';

let scenario: Scenario;
beforeAll(async () => {
  scenario = await startScenario();
});
afterAll(() => scenario.end());

it('a rollback before cutover does not wait for the store: every node serves the old assets while it is away, and only the record waits (R6, invariant 7)', async () => {
  const { mesh, before, interference } = scenario;
  const { store } = mesh.mesh.folders;
  await mesh.rotate();
  await mesh.untilGate();
  const switched = new Set<string>();
  const held = interference.hold('switch', (node, target) => target !== mesh.mesh.manifest && switched.add(node).size > 3);
  await mesh.approve('ada', 'grace');
  await held.node();
  renameSync(store, `${store}.away`);
  await mesh.tell('rollback', 'grace');
  held.release();
  await mesh.untilStatus((status) => status.restoredAt !== null, 'every node back on the old assets');
  expect(new Set(Object.values(activeManifests(mesh)))).toEqual(new Set([mesh.mesh.manifest]));
  await mesh.untilStatus((status) => status.phase === 'rolled-back', 'the end of the rollback');
  expect(meshTruth(mesh)).toEqual(before);
  expect((await mesh.handle.describe()).status.name).toBe('RUNNING');
  renameSync(`${store}.away`, store);
  expect((await mesh.result()).outcome).toBe('rolled-back');
});
