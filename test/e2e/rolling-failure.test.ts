import { afterAll, beforeAll, expect, it } from 'vitest';
import { corruptNewProfile } from './corruption.js';
import { activeManifests, meshTruth } from './node-truth.js';
import { startScenario, type Scenario } from './scenario.js';

let scenario: Scenario;
beforeAll(async () => {
  scenario = await startScenario({
    policy: { cohorts: { canary: { perImage: 1, share: '5%' }, waves: ['50%', '50%'], maxUnavailable: 1, stallTimeout: '2s' } },
  });
});
afterAll(() => scenario.end());

it('a node that fails in a wave uses up the allowance: nothing more is switched, the question names it, silence rolls back (R5, R6, invariants 8 and 9)', async () => {
  const { mesh, before, interference } = scenario;
  let rolling = false;
  let broken = '';
  interference.before = (operation, node) => {
    if (operation !== 'switch' || !rolling || broken !== '') return;
    broken = node;
    corruptNewProfile(mesh, node, before);
  };
  await mesh.rotate();
  await mesh.untilGate();
  rolling = true;
  await mesh.approve('ada', 'grace');
  const { question, to, troubles } = await mesh.untilQuestion('stalled');
  expect(question?.nodes).toEqual([broken]);
  expect(question?.options).toEqual(['retry', 'exclude', 'rollback']);
  expect(troubles.map((trouble) => trouble.node)).toEqual([broken]);
  expect(Object.values(activeManifests(mesh)).filter((digest) => digest === to)).toHaveLength(2);

  const end = await mesh.result();
  expect(end).toMatchObject({ outcome: 'rolled-back', reasons: ['the question stalled was not answered in time'] });
  expect(meshTruth(mesh)).toEqual(before);
});
