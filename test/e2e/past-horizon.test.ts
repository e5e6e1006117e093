import { afterAll, beforeAll, expect, it } from 'vitest';
import { WorkflowUpdateFailedError } from '@temporalio/client';
import { activeManifests, installedProfiles } from './node-truth.js';
import { startScenario, type Scenario } from './scenario.js';

let scenario: Scenario;
beforeAll(async () => {
  scenario = await startScenario({
    expiresIn: 75_000,
    policy: {
      gate: { approvals: 2, timeout: '1s', calendar: 'none', remindEvery: '1m', widenAfter: '1m', approvalValid: '72h' },
      rollback: { headTime: '1s', nodeTime: '50ms', safetyMargin: '1s', minLifeAfterRollback: '1s' },
    },
  });
});
afterAll(() => scenario.end());

it('when the old assets have died a rollback is refused as PAST_HORIZON, and the rotation goes on forward (R6, invariants 7 and 9)', async () => {
  const { mesh, interference } = scenario;
  // The retirement fails on one node until after the horizon.
  let dead = false;
  interference.before = (operation, node) => {
    if (operation === 'retire' && node === 'bom-build-1' && !dead) throw new Error('the disk is full');
  };
  await mesh.rotate();
  await mesh.approve('ada', 'grace');
  const { horizon, to } = await mesh.untilStatus((status) => status.phase === 'retiring', 'the retirement', 60_000);
  await mesh.untilStatus(() => Date.now() > (horizon ?? 0), 'the horizon', 90_000);
  const refused: unknown = await mesh.tell('rollback', 'ada').catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(WorkflowUpdateFailedError);
  expect((refused as WorkflowUpdateFailedError).cause).toMatchObject({
    type: 'PAST_HORIZON',
    message: expect.stringContaining('never returned to an asset that cannot sign'),
  });
  expect((await mesh.status()).phase).toBe('retiring');
  dead = true;
  expect((await mesh.result()).outcome).toBe('completed');
  expect(new Set(Object.values(activeManifests(mesh)))).toEqual(new Set([to]));
  for (const { name } of mesh.mesh.nodes)
    for (const files of Object.values(installedProfiles(mesh.home(name)))) expect(files).toHaveLength(4);
});
