import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { installedProfiles, meshTruth } from './node-truth.js';
import { startScenario, type Scenario } from './scenario.js';

let scenario: Scenario;
beforeAll(async () => {
  scenario = await startScenario();
});
afterAll(() => scenario.end());

describe('while old assets are being retired', () => {
  it('a rollback brings them out of quarantine before anything is switched (R6, invariants 2 and 7)', async () => {
    const { mesh, before, interference } = scenario;
    const retired: string[] = [];
    const held = interference.hold('retire', (node) => retired.push(node) > 3);
    await mesh.rotate();
    await mesh.approve('ada', 'grace');
    const late = await held.node();
    const done = retired.filter((node) => node !== late)[0] ?? '';
    await mesh.untilStatus(
      () => Object.values(installedProfiles(mesh.home(done))).every((files) => files.length === 4),
      `${done} without old assets`,
    );
    await mesh.tell('rollback', 'ada', { reason: 'field reports' });
    held.release();
    expect(await mesh.result()).toMatchObject({ outcome: 'rolled-back', reasons: ['rollback asked for by ada: field reports'] });
    expect(meshTruth(mesh)).toEqual(before);
    expect(await mesh.around.store('main').head(mesh.mesh.line)).toMatchObject({ seq: 3, digest: mesh.mesh.manifest });
  });

  it('Temporal’s own cancellation stops and asks; retry goes on to the end (R6)', async () => {
    const { mesh, interference } = scenario;
    const held = interference.hold('retire', (node) => node === 'bom-build-1');
    await mesh.rotate();
    await mesh.approve('ada', 'grace');
    await held.node();
    await mesh.handle.cancel();
    const { phase, reasons } = await mesh.untilQuestion('retire-failed');
    expect(phase).toBe('escalated');
    expect(reasons).toEqual(['cancelled in Temporal']);
    held.release();
    await mesh.tell('answer', 'ada', { question: 'retire-failed', option: 'retry' });
    expect((await mesh.result()).outcome).toBe('completed');
    for (const { name } of mesh.mesh.nodes)
      for (const files of Object.values(installedProfiles(mesh.home(name)))) expect(files).toHaveLength(4);
  });
});
