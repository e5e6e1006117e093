import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { activeManifests, meshTruth } from './node-truth.js';
import { startScenario, type Scenario } from './scenario.js';

let scenario: Scenario;
beforeAll(async () => {
  scenario = await startScenario();
});
afterAll(() => scenario.end());

const served = (to: string | null): number => Object.values(activeManifests(scenario.mesh)).filter((digest) => digest === to).length;
const moment = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1_200));

describe('pausing', () => {
  it('in a wave lets the node in flight finish, begins no further one, and resume goes on; a withdrawn approval pauses until it is replaced (R7, invariants 4 and 8)', async () => {
    const { mesh, interference } = scenario;
    await mesh.rotate();
    const { to } = await mesh.untilGate();
    let begun = 0;
    const held = interference.hold('switch', (_, target) => target === to && ++begun === 2);
    await mesh.approve('ada', 'grace');
    await held.node();
    await mesh.tell('pause', 'rita');
    expect(await mesh.status()).toMatchObject({ phase: 'rolling', paused: { by: 'rita', because: 'command' } });
    held.release();
    await moment();
    // Two of the canary, one that was done, and the one that was in flight.
    expect(served(to)).toBe(4);
    await mesh.tell('resume', 'rita');

    const rest = interference.hold('switch', (_, target) => target === to);
    await rest.node();
    await mesh.tell('withdraw', 'ada');
    expect(await mesh.status()).toMatchObject({ phase: 'rolling', paused: { by: 'ada', because: 'withdrawn' }, gate: { counting: 1 } });
    rest.release();
    await moment();
    expect(served(to)).toBe(5);
    await expect(mesh.tell('resume', 'rita')).rejects.toThrow();
    await mesh.tell('approve', 'ada', { digest: to });
    expect((await mesh.result()).outcome).toBe('completed');
    expect(served(to)).toBe(6);
  });
});

describe('withdrawing at the gate', () => {
  it('takes the approval off the count, and a rejection after it rolls back (R7, invariant 5)', async () => {
    const { mesh } = scenario;
    const incident = await mesh.rollBackCompleted('ios-main-1');
    expect((await incident.result()).outcome).toBe('rolled-back');
    const truth = meshTruth(mesh);
    await mesh.rotate();
    const { to } = await mesh.untilGate();
    expect((await mesh.tell('approve', 'ada', { digest: to })).gate.counting).toBe(1);
    expect((await mesh.tell('withdraw', 'ada')).gate.counting).toBe(0);
    expect((await mesh.tell('approve', 'grace', { digest: to })).gate.counting).toBe(1);
    await moment();
    expect((await mesh.status()).phase).toBe('awaiting-signoff');
    await mesh.tell('reject', 'ada');
    expect((await mesh.result()).outcome).toBe('rolled-back');
    expect(meshTruth(mesh)).toEqual(truth);
  });
});
