import { afterAll, beforeAll, expect, it } from 'vitest';
import { activeManifests } from './node-truth.js';
import { startScenario, type Scenario } from './scenario.js';

let scenario: Scenario;
beforeAll(async () => {
  scenario = await startScenario({
    expiresIn: 80_000,
    policy: {
      gate: { approvals: 2, timeout: '1s', calendar: 'none', remindEvery: '1m', widenAfter: '1m', approvalValid: '72h' },
      rollback: { headTime: '1s', nodeTime: '50ms', safetyMargin: '15s', minLifeAfterRollback: '1s' },
    },
  });
});
afterAll(() => scenario.end());

it('a pause ends by itself at the latest safe time to go on, and the gate then asks approve-now (R6, R7, invariant 9)', async () => {
  const { mesh, interference } = scenario;
  const held = interference.hold('stage', (node) => node === 'ams-build-1');
  await mesh.rotate();
  await held.node();
  const { paused, horizon, gate } = await mesh.tell('pause', 'rita');
  const until = paused?.until ?? 0;
  expect(until).toBe(gate.latest);
  expect(until).toBeLessThan((horizon ?? 0) - 15_000);
  held.release();
  await mesh.untilStatus((status) => status.paused === null, 'the end of the pause', 90_000);
  expect(Date.now()).toBeGreaterThanOrEqual(until);

  const { question, to } = await mesh.untilQuestion('approve-now');
  expect(question?.options).toEqual(['approve', 'reject']);
  for (const person of ['ada', 'grace']) await mesh.tell('answer', person, { question: 'approve-now', option: 'approve', digest: to });
  expect((await mesh.result()).outcome).toBe('completed');
  expect(new Set(Object.values(activeManifests(mesh)))).toEqual(new Set([to]));
});
