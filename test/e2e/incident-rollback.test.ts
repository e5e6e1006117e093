import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { activeManifests, installedProfiles, meshTruth } from './node-truth.js';
import { startScenario, type Scenario } from './scenario.js';

const DAY = 86_400_000;

let scenario: Scenario;
beforeAll(async () => {
  scenario = await startScenario();
});
afterAll(() => scenario.end());

const complete = async (id: string): Promise<void> => {
  const { mesh } = scenario;
  await mesh.rotate();
  await mesh.approve('ada', 'grace');
  expect(await mesh.result()).toMatchObject({ id, outcome: 'completed' });
};

describe('an incident rollback of a completed rotation', () => {
  it('brings every node back to the old UUIDs, retired and purged from Xcode’s folders as they were, and the head forward (R6, invariants 1, 6 and 7)', async () => {
    const { mesh, before } = scenario;
    await complete('ios-main-1');
    for (const { name } of mesh.mesh.nodes)
      for (const files of Object.values(installedProfiles(mesh.home(name)))) expect(files).toHaveLength(4);
    const incident = await mesh.rollBackCompleted('ios-main-1');
    expect(await incident.result()).toEqual({
      id: 'ios-main-2',
      outcome: 'rolled-back',
      reasons: ['incident rollback of ios-main-1, asked for by ada'],
    });
    expect(meshTruth(mesh)).toEqual(before);
    expect(await mesh.around.store('main').head(mesh.mesh.line)).toMatchObject({ seq: 3, digest: mesh.mesh.manifest });
    expect(await mesh.around.store('main').records(mesh.mesh.line)).toEqual(['ios-main-1', 'ios-main-2']);
  });

  it('is refused when nothing of that rotation is in force any more, and when it did not complete', async () => {
    const { mesh, before } = scenario;
    const again = await mesh.rollBackCompleted('ios-main-1');
    expect(await again.result()).toMatchObject({ outcome: 'refused', reasons: [expect.stringContaining('in force any more')] });
    const other = await mesh.rollBackCompleted('ios-main-2');
    expect(await other.result()).toMatchObject({ outcome: 'refused', reasons: [expect.stringContaining('ended as rolled-back')] });
    expect(meshTruth(mesh)).toEqual(before);
  });

  it('is refused when the old assets are dead, by the profiles’ own bytes (R6, invariant 7)', async () => {
    const { mesh } = scenario;
    await complete('ios-main-3');
    const truth = meshTruth(mesh);
    const incident = await mesh.rollBackCompleted('ios-main-3', { offset: 7 * DAY });
    const { outcome, reasons } = await incident.result();
    expect(outcome).toBe('refused');
    expect(reasons).toHaveLength(4);
    expect(reasons[0]).toMatch(/com\.acme\.\S+: the old profile \S+ expired/);
    expect(meshTruth(mesh)).toEqual(truth);
  });

  it('parks the new assets instead of taking them away when the old ones are short-lived (R6, minLifeAfterRollback)', async () => {
    const { mesh, before } = scenario;
    mesh.changePolicy({ rollback: { nodeTime: '30s', safetyMargin: '24h', minLifeAfterRollback: '150h' } });
    const to = (await mesh.around.store('main').head(mesh.mesh.line))?.digest;
    const incident = await mesh.rollBackCompleted('ios-main-3');
    expect((await incident.result()).outcome).toBe('parked');
    expect(new Set(Object.values(activeManifests(mesh)))).toEqual(new Set([mesh.mesh.manifest]));
    for (const { name } of mesh.mesh.nodes) {
      for (const files of Object.values(installedProfiles(mesh.home(name)))) expect(files).toHaveLength(8);
      // What was there before the first rotation is there again, byte for byte.
      expect(meshTruth(mesh)[name]).toMatchObject(before[name] ?? {});
    }
    expect((await mesh.around.store('main').head(mesh.mesh.line))?.digest).not.toBe(to);
  });

  it('leaves the line so that the next rotation can complete', async () => {
    await complete('ios-main-5');
  });

  it('is refused with a reason, and completes as a workflow, where the store has no record of it or the old assets are not trusted any more (R7, T5)', async () => {
    const { mesh } = scenario;
    const truth = meshTruth(mesh);
    const unknown = await mesh.rollBackCompleted('ios-main-99');
    expect(await unknown.result()).toMatchObject({
      outcome: 'refused',
      reasons: [expect.stringContaining('no record of rotation ios-main-99')],
    });
    const file = join(mesh.mesh.folders.config, 'reseal.yaml');
    const whole = readFileSync(file, 'utf8');
    writeFileSync(file, stringify({ ...(parse(whole) as object), trust: { extraRoots: [] } }));
    await mesh.restartWorker();
    const untrusted = await mesh.rollBackCompleted('ios-main-5');
    expect(await untrusted.result()).toMatchObject({ outcome: 'refused', reasons: [expect.stringMatching(/root|trust/i)] });
    expect(meshTruth(mesh)).toEqual(truth);
    writeFileSync(file, whole);
    await mesh.restartWorker();
  });
});
