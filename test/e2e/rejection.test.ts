import { afterAll, beforeAll, expect, it } from 'vitest';
import { activeManifests, installedProfiles, meshTruth } from './node-truth.js';
import { startScenario, type Scenario } from './scenario.js';

let scenario: Scenario;
beforeAll(async () => {
  scenario = await startScenario();
});
afterAll(() => scenario.end());

it('a rejection at the gate brings every node back, paths, modes and bytes (R6, invariants 1 and 7)', async () => {
  const { mesh, before } = scenario;
  await mesh.rotate();
  const { to, from } = await mesh.untilGate();
  const active = Object.values(activeManifests(mesh));
  expect(active.filter((digest) => digest === to)).toHaveLength(2);
  expect(active.filter((digest) => digest === from)).toHaveLength(4);
  // Both editions are installed everywhere while the decision is open.
  for (const { name } of mesh.mesh.nodes)
    for (const files of Object.values(installedProfiles(mesh.home(name)))) expect(files).toHaveLength(8);

  await mesh.tell('reject', 'grace', { reason: 'the extension does not start' });
  expect(await mesh.result()).toEqual({
    id: 'ios-main-1',
    outcome: 'rolled-back',
    reasons: ['rejected by grace: the extension does not start'],
  });
  expect(meshTruth(mesh)).toEqual(before);
  expect(await mesh.around.store('main').head(mesh.mesh.line)).toMatchObject({ seq: 1, digest: mesh.mesh.manifest });
  const { restoredAt, endedAt, troubles } = await mesh.status();
  expect(troubles).toEqual([]);
  expect(restoredAt).toBeLessThanOrEqual(endedAt ?? 0);
});
