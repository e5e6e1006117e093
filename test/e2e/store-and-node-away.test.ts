import { renameSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { NodeName } from '../../src/domain/brands.js';
import { activeManifests, meshTruth } from './node-truth.js';
import { startScenario, type Scenario } from './scenario.js';

let scenario: Scenario;
beforeAll(async () => {
  scenario = await startScenario({
    // A home that is gone is no fault of a rotation, and builders would count it as one.
    builders: 'faulty',
    policy: {
      soak: { duration: '2m', interval: '150ms', floor: '0s' },
      rollback: { headTime: '1s', nodeTime: '30s', safetyMargin: '24h', minLifeAfterRollback: '72h' },
    },
  });
});
afterAll(() => scenario.end());

it('while a rollback waits for the store only, a node that came back has its turn by `retry`, long before the store is there (R6, R10)', async () => {
  const { mesh, before } = scenario;
  const { store } = mesh.mesh.folders;
  const [lost] = mesh.mesh.nodes.map((node) => node.name as NodeName).slice(-1);
  if (lost === undefined) throw new Error('no node');
  await mesh.rotate();
  await mesh.approve('ada', 'grace');
  await mesh.untilStatus((status) => status.phase === 'soaking', 'the soak');
  renameSync(store, `${store}.away`);
  renameSync(mesh.home(lost), `${mesh.home(lost)}.away`);
  await mesh.tell('rollback', 'grace');
  const waiting = await mesh.untilStatus((status) => status.headPutOff && status.commands.includes('retry'), 'a node that is not back');
  expect(waiting).toMatchObject({ phase: 'rolling-back', restoredAt: null, troubles: [{ node: lost }] });
  renameSync(`${mesh.home(lost)}.away`, mesh.home(lost));
  await mesh.tell('retry', 'grace', { nodes: [lost] });
  await mesh.untilStatus((status) => status.restoredAt !== null, 'every node back on the old assets');
  expect(new Set(Object.values(activeManifests(mesh)))).toEqual(new Set([mesh.mesh.manifest]));
  expect((await mesh.status()).phase).toBe('rolling-back');
  renameSync(`${store}.away`, store);
  expect((await mesh.result()).outcome).toBe('rolled-back');
  expect(meshTruth(mesh)).toEqual(before);
});
