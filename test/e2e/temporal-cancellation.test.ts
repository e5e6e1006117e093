import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { meshTruth } from './node-truth.js';
import { startScenario, type Scenario } from './scenario.js';

let scenario: Scenario;
beforeAll(async () => {
  scenario = await startScenario();
});
afterAll(() => scenario.end());

describe('cancelling in Temporal', () => {
  it('before a node is changed ends the rotation as cancelled, Completed in Temporal (R6)', async () => {
    const { mesh, interference, before } = scenario;
    const held = interference.hold('inspect');
    await mesh.rotate();
    await held.node();
    await mesh.handle.cancel();
    held.release();
    expect(await mesh.result()).toMatchObject({ outcome: 'cancelled', reasons: ['cancelled in Temporal'] });
    expect((await mesh.handle.describe()).status.name).toBe('COMPLETED');
    expect(meshTruth(mesh)).toEqual(before);
    interference.before = () => undefined;
  });

  it('with nodes on the new assets is an ordered rollback, and a second one changes nothing (R6, invariant 7)', async () => {
    const { mesh, before } = scenario;
    await mesh.rotate();
    await mesh.untilGate();
    await mesh.handle.cancel();
    await mesh.untilStatus((status) => status.phase !== 'awaiting-signoff', 'the way back');
    await mesh.handle.cancel().catch(() => undefined);
    expect(await mesh.result()).toMatchObject({ outcome: 'rolled-back', reasons: ['cancelled in Temporal'] });
    expect((await mesh.handle.describe()).status.name).toBe('COMPLETED');
    expect(meshTruth(mesh)).toEqual(before);
  });
});
