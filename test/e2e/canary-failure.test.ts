import { afterAll, beforeAll, expect, it } from 'vitest';
import { corruptNewProfile } from './corruption.js';
import { meshTruth } from './node-truth.js';
import { startScenario, type Scenario } from './scenario.js';

let scenario: Scenario;
beforeAll(async () => {
  scenario = await startScenario();
});
afterAll(() => scenario.end());

it('one failing node of the canary rolls the rotation back, named with its file, and no other node is switched (R5, R6, invariants 7 and 8)', async () => {
  const { mesh, before, interference } = scenario;
  let broken = '';
  let file = '';
  interference.before = (operation, node) => {
    if (operation !== 'switch' || (broken !== '' && broken !== node)) return;
    if (broken === '') file = corruptNewProfile(mesh, node, before);
    broken = node;
  };
  await mesh.rotate();
  const end = await mesh.result();
  expect(end.outcome).toBe('rolled-back');
  expect(end.reasons[0]).toContain(`the canary failed on ${broken}`);
  expect(end.reasons[0]).toContain(file);
  expect(meshTruth(mesh)).toEqual(before);
  // One is in flight at a time: where the first one fails, the second is never begun.
  const { to } = await mesh.status();
  expect(interference.nodesOf('switch', to ?? '')).toEqual([broken]);
});
