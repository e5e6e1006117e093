import { afterAll, beforeAll, expect, it } from 'vitest';
import { until } from '../setup/until.js';
import { activeManifests, effects, installedProfiles, journalOf } from './node-truth.js';
import { startScenario, type Scenario } from './scenario.js';
import { WorkerProcesses } from './worker-processes.js';

let scenario: Scenario;
let workers: WorkerProcesses;
beforeAll(async () => {
  scenario = await startScenario();
  await scenario.mesh.stopWorker();
  workers = new WorkerProcesses(scenario.mesh, 300);
});
afterAll(async () => {
  await workers.kill();
  await scenario.end();
});

it('a worker process killed with -9 while staging and while rolling: another one completes under the same id, and no node is staged or switched twice (R8, invariants 1, 6 and 10)', async () => {
  const { mesh } = scenario;
  await workers.start();
  const { firstExecutionRunId } = await mesh.rotate();
  // Some nodes are staged, some are not.
  await until(() => mesh.mesh.nodes.some(({ name }) => stagedSoFar(name)), { what: 'a first staged node', timeout: 60_000, every: 10 });
  await workers.kill();
  await workers.start();
  await mesh.approve('ada', 'grace');
  await until(() => Object.values(activeManifests(mesh)).filter((digest) => digest !== mesh.mesh.manifest).length >= 3, {
    what: 'a first wave',
    timeout: 60_000,
    every: 10,
  });
  await workers.kill();
  await workers.start();

  expect(await mesh.result()).toEqual({ id: 'ios-main-1', outcome: 'completed', reasons: [] });
  expect((await mesh.handle.describe()).raw.workflowExecutionInfo?.firstRunId).toBe(firstExecutionRunId);
  const { to } = await mesh.status();
  expect(new Set(Object.values(activeManifests(mesh)))).toEqual(new Set([to]));
  for (const { name } of mesh.mesh.nodes) {
    for (const step of ['put-manifest', 'activate', 'accept', 'un-accept', 'quarantine-manifest']) {
      expect(effects(mesh, name, 'ios-main-1', step).length, `${step} on ${name}`).toBeLessThanOrEqual(1);
    }
    expect(effects(mesh, name, 'ios-main-1', 'stage').length, `stage on ${name}`).toBeLessThanOrEqual(1);
    for (const files of Object.values(installedProfiles(mesh.home(name)))) expect(files).toHaveLength(4);
  }
});

const stagedSoFar = (node: string): boolean =>
  journalOf(scenario.mesh, node).some((entry) => entry.rotation === 'ios-main-1' && entry.do === 'stage');
