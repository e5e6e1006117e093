import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { reseal } from '../cli/terminal.js';
import { activeManifests, meshTruth } from './node-truth.js';
import { startScenario, type Scenario } from './scenario.js';

let scenario: Scenario;
beforeAll(async () => {
  scenario = await startScenario({ nodes: 4, policy: { soak: { duration: '3s', interval: '300ms', floor: '0s' } } });
});
afterAll(() => scenario.end());

it('a node that a person brings back on the spot during a rotation is no longer the rotation’s: it is told so, changes nothing there, and its way back takes the node along (R6, R7, T6)', async () => {
  const { mesh, before } = scenario;
  await mesh.rotate();
  await mesh.approve('ada', 'grace');
  await mesh.untilPhase('soaking');
  const [name = ''] = Object.keys(before);
  const { config, root } = mesh.mesh.folders;
  const glass = ['node', 'restore', name, '--break-glass', '--yes', '--ticket', 'INC-1', '--config', config, '--home', join(root, 'desk')];
  const ran = await reseal(glass, { cwd: root, now: Date.now() });
  expect(ran).toMatchObject({ exit: 0 });
  expect(activeManifests(mesh)[name]).toBe(mesh.mesh.manifest);

  const { question, phase } = await mesh.untilQuestion('stalled');
  expect([phase, question?.nodes]).toEqual(['soaking', [name]]);
  // It mends what it finds by orders of its own epoch, and the node has followed a newer one.
  await mesh.tell('answer', 'grace', { question: 'stalled', option: 'retry' });
  const { troubles } = await mesh.untilStatus(
    (status) => status.troubles.some(({ reason }) => reason.includes('the node has already followed epoch')),
    'the refusal of the node',
  );
  expect(troubles.map(({ node }) => node)).toEqual([name]);
  expect(activeManifests(mesh)[name]).toBe(mesh.mesh.manifest);

  await mesh.tell('rollback', 'ada');
  expect((await mesh.result()).outcome).toBe('rolled-back');
  expect(meshTruth(mesh)).toEqual(before);
});
