import { appendFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { activeManifests, meshTruth } from './node-truth.js';
import { startScenario, type Scenario } from './scenario.js';

let scenario: Scenario;
beforeEach(async () => {
  scenario = await startScenario({
    policy: {
      soak: { duration: '2m', interval: '150ms', floor: '0s' },
      rollback: { headTime: '1s', nodeTime: '30s', safetyMargin: '24h', minLifeAfterRollback: '72h' },
    },
  });
});
afterEach(() => scenario.end());

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

it('a rollback after cutover waits for the store no longer than rollback.headTime: the nodes come first, the head before the end (R6, invariant 7)', async () => {
  const { mesh, before } = scenario;
  const { store } = mesh.mesh.folders;
  await mesh.rotate();
  await mesh.approve('ada', 'grace');
  await mesh.untilStatus((status) => status.phase === 'soaking', 'the soak');
  renameSync(store, `${store}.away`);
  await mesh.tell('rollback', 'grace');
  const back = await mesh.untilStatus((status) => status.restoredAt !== null, 'every node back on the old assets');
  expect(new Set(Object.values(activeManifests(mesh)))).toEqual(new Set([mesh.mesh.manifest]));
  expect(back.phase).toBe('rolling-back');
  expect(back.headPutOff).toBe(true);
  renameSync(`${store}.away`, store);
  expect((await mesh.result()).outcome).toBe('rolled-back');
  expect(meshTruth(mesh)).toEqual(before);
  expect(await mesh.around.store('main').head(mesh.mesh.line)).toEqual({ line: mesh.mesh.line, seq: 3, digest: mesh.mesh.manifest });
});

it('a rollback before cutover needs no configuration that can be read: one that somebody has just broken keeps no node from being brought back (R6)', async () => {
  const { mesh, before } = scenario;
  const broken = ['reseal.yaml', 'topology.yaml', 'policy.yaml', 'roster.yaml'].map((file) => join(mesh.mesh.folders.config, file));
  await mesh.rotate();
  await mesh.untilGate();
  const written = broken.map((path) => readFileSync(path));
  for (const path of broken) appendFileSync(path, '\n: [\n');
  await mesh.tell('rollback', 'grace');
  await mesh.untilStatus((status) => status.phase === 'rolled-back', 'the end of the rollback');
  expect(meshTruth(mesh)).toEqual(before);
  broken.forEach((path, position) => writeFileSync(path, written[position] ?? ''));
  expect((await mesh.result()).outcome).toBe('rolled-back');
});
