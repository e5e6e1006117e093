import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freezeManifest } from '../../src/manifest/freeze.js';
import { parseManifest } from '../../src/manifest/parse.js';
import { meshTruth } from './node-truth.js';
import { startScenario, type Scenario } from './scenario.js';

let scenario: Scenario;
beforeAll(async () => {
  scenario = await startScenario();
});
afterAll(() => scenario.end());

it('a head that somebody else moved is asked about at cutover, rolls back, and keeps the other’s change; a second rotation on the line is refused meanwhile (R1, invariant 6)', async () => {
  const { mesh, before } = scenario;
  const store = mesh.around.store('main');
  await mesh.rotate();
  await mesh.untilGate();
  await expect(mesh.rotate({ by: 'grace' })).rejects.toThrow(WorkflowExecutionAlreadyStartedError);

  const manifest = parseManifest(await store.manifest(mesh.mesh.manifest), 'manifest');
  const other = await store.putManifest(
    freezeManifest({ ...manifest, profiles: manifest.profiles.filter((entry) => entry.app !== 'depot') }).bytes,
    { by: 'grace' },
  );
  expect((await store.advance(mesh.mesh.line, 1, other, { by: 'grace' })).moved).toBe(true);

  await mesh.approve('ada', 'grace');
  const { question, reasons, phase } = await mesh.untilQuestion('head-moved');
  expect(phase).toBe('cutover');
  expect(question).toMatchObject({ options: ['rollback'], unanswered: 'rollback' });
  expect(reasons[0]).toContain('was moved by someone else');
  await mesh.tell('answer', 'ada', { question: 'head-moved', option: 'rollback' });
  expect((await mesh.result()).outcome).toBe('rolled-back');
  expect(meshTruth(mesh)).toEqual(before);
  // The rotation never had the head: what the other put there stays as it is.
  expect(await store.head(mesh.mesh.line)).toMatchObject({ seq: 2, digest: other });
});
