import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Phase } from '../../src/domain/rotation/phases.js';
import { activeManifests, effects, installedProfiles } from './node-truth.js';
import { startScenario, type Scenario } from './scenario.js';

let scenario: Scenario;
beforeAll(async () => {
  scenario = await startScenario({ policy: { soak: { duration: '4s', interval: '500ms', floor: '0s' } } });
});
afterAll(() => scenario.end());

const PHASES: readonly Phase[] = ['staging', 'canary', 'awaiting-signoff', 'rolling', 'soaking', 'retiring'];

it('a worker that is stopped and started in every phase changes nothing about the end, and no node is staged twice (R8, R9, invariants 1 and 10)', async () => {
  const { mesh, interference } = scenario;
  // Operations take long enough to be met in every phase.
  interference.before = () => new Promise((resolve) => setTimeout(resolve, 250));
  await mesh.rotate();
  for (const phase of PHASES) {
    // What a stopped worker had in hand and did not report is handed out again when its time is up: two minutes for desk work.
    const { to } = await mesh.untilPhase(phase, 180_000);
    if (phase === 'awaiting-signoff') {
      await mesh.untilGate();
      await mesh.tell('approve', 'ada', { digest: to });
    }
    await mesh.restartWorker();
    if (phase === 'awaiting-signoff') await mesh.tell('approve', 'grace', { digest: to });
  }
  expect(await mesh.result()).toEqual({ id: 'ios-main-1', outcome: 'completed', reasons: [] });
  const { to } = await mesh.status();
  expect(new Set(Object.values(activeManifests(mesh)))).toEqual(new Set([to]));
  for (const { name } of mesh.mesh.nodes) {
    for (const step of ['stage', 'switch', 'retire']) expect(effects(mesh, name, 'ios-main-1', step), `${step} on ${name}`).toHaveLength(1);
    for (const files of Object.values(installedProfiles(mesh.home(name)))) expect(files).toHaveLength(4);
  }
}, 600_000);
