import { afterEach, describe, expect, it } from 'vitest';
import { corruptNewProfile } from './corruption.js';
import { activeManifests, installedProfiles, meshTruth } from './node-truth.js';
import { startScenario, type Scenario } from './scenario.js';

describe('a byte of an installed profile flips during the soak', () => {
  let scenario: Scenario;
  afterEach(() => scenario.end());

  const start = async (): Promise<void> => {
    scenario = await startScenario({ builders: 'faulty', policy: { soak: { duration: '3s', interval: '300ms', floor: '0s' } } });
    const { mesh } = scenario;
    await mesh.rotate();
    await mesh.approve('ada', 'grace');
    await mesh.untilPhase('soaking');
  };

  it('within the budget it is found and asked about by node and file, and retry repairs it (R9, invariants 2 and 8)', async () => {
    await start();
    const { mesh, before } = scenario;
    const file = corruptNewProfile(mesh, 'iad-build-1', before);
    const { question, troubles, phase } = await mesh.untilQuestion('stalled');
    expect(phase).toBe('soaking');
    expect(question?.nodes).toEqual(['iad-build-1']);
    expect(troubles[0]?.reason).toContain(file);
    // Nothing was retired while a node could not be proven.
    expect(Object.values(installedProfiles(mesh.home('ams-build-1'))).every((files) => files.length === 8)).toBe(true);

    await mesh.tell('answer', 'grace', { question: 'stalled', option: 'retry' });
    expect((await mesh.result()).outcome).toBe('completed');
    const { to } = await mesh.status();
    expect(new Set(Object.values(activeManifests(mesh)))).toEqual(new Set([to]));
    for (const { name } of mesh.mesh.nodes)
      expect(Object.values(installedProfiles(mesh.home(name))).every((files) => files.length === 4)).toBe(true);
  });

  it('over the budget the rotation rolls back at once, after cutover too (R6, invariants 7 and 8)', async () => {
    await start();
    const { mesh, before } = scenario;
    corruptNewProfile(mesh, 'iad-build-1', before);
    corruptNewProfile(mesh, 'ams-sign-1', before);
    const end = await mesh.result();
    expect(end.outcome).toBe('rolled-back');
    expect(end.reasons[0]).toMatch(/^2 nodes are unhealthy, 1 may be; first/);
    expect(meshTruth(mesh)).toEqual(before);
    // The head is back by a move of its own: sequence numbers only grow.
    expect(await mesh.around.store('main').head(mesh.mesh.line)).toMatchObject({ seq: 3, digest: mesh.mesh.manifest });
  });
});
