import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { meshTruth, profileFolder } from './node-truth.js';
import { startScenario, type Scenario } from './scenario.js';

let scenario: Scenario;
beforeAll(async () => {
  // A profile folder that is replaced by a file is a fault for builds, too.
  scenario = await startScenario({ builders: 'faulty' });
});
afterAll(() => scenario.end());

it('a profile folder that cannot be written fails the staging; the other nodes come back, the broken one is asked about and comes back once mended (R4, R6, invariant 7)', async () => {
  const { mesh, before, interference } = scenario;
  const broken = 'ams-build-1';
  const folder = profileFolder(mesh.home(broken), 'legacy');
  let replaced = false;
  interference.before = (operation, node) => {
    if (operation !== 'stage' || node !== broken || replaced) return;
    replaced = true;
    renameSync(folder, `${folder}.away`);
    writeFileSync(folder, 'no folder');
  };
  await mesh.rotate();
  const { question, reasons, phase } = await mesh.untilQuestion('node-not-back');
  expect(phase).toBe('escalated');
  expect(question?.nodes).toEqual([broken]);
  expect(reasons[0]).toContain(`staging failed on ${broken}`);
  const others = ({ [broken]: _, ...rest }: ReturnType<typeof meshTruth>) => rest;
  expect(others(meshTruth(mesh))).toEqual(others(before));

  rmSync(folder);
  renameSync(`${folder}.away`, folder);
  await mesh.tell('answer', 'ada', { question: 'node-not-back', option: 'retry' });
  expect((await mesh.result()).outcome).toBe('rolled-back');
  expect(meshTruth(mesh)).toEqual(before);
});
