import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WorkflowUpdateFailedError } from '@temporalio/client';
import { activeManifests, installedProfiles, meshTruth } from './node-truth.js';
import { startScenario, type Scenario } from './scenario.js';

/** One mesh for all: each rollback must leave it so that the next rotation can begin. */
let scenario: Scenario;
beforeAll(async () => {
  scenario = await startScenario({
    nodes: 4,
    policy: { retirement: { secondGate: true, maxBuildDuration: '1500ms', overduePinPageEvery: '1m' } },
  });
});
afterAll(() => scenario.end());
afterEach(() => {
  scenario.interference.before = () => undefined;
});

async function untilSecondGate(): Promise<string> {
  const { mesh } = scenario;
  await mesh.rotate();
  await mesh.approve('ada', 'grace');
  await mesh.untilPhase('awaiting-retirement');
  const { to } = await mesh.untilGate();
  return to ?? '';
}

async function expectRolledBack(): Promise<void> {
  const { mesh, before } = scenario;
  expect((await mesh.result()).outcome).toBe('rolled-back');
  expect(meshTruth(mesh)).toEqual(before);
  expect((await mesh.around.store('main').head(mesh.mesh.line))?.digest).toBe(mesh.mesh.manifest);
}

const filesPerFolder = (): number[] => [
  ...new Set(
    scenario.mesh.mesh.nodes.flatMap(({ name }) => Object.values(installedProfiles(scenario.mesh.home(name))).map((files) => files.length)),
  ),
];

describe('where policy asks for a second gate', () => {
  it('a rollback at that gate brings every node back (R6, R7, invariant 7)', async () => {
    await untilSecondGate();
    await scenario.mesh.tell('rollback', 'grace', { reason: 'enough' });
    await expectRolledBack();
    expect((await scenario.mesh.status()).turnedAt).toBe('awaiting-retirement');
  });

  it('a rollback counts while the rotation is paused, and a second one means nothing on the way back (R6, invariant 6)', async () => {
    const { mesh, interference } = scenario;
    await untilSecondGate();
    await mesh.tell('pause', 'rita');
    expect((await mesh.status()).paused).toMatchObject({ by: 'rita' });
    const held = interference.hold('switch');
    await mesh.tell('rollback', 'grace');
    await held.node();
    const again: unknown = await mesh.tell('rollback', 'ada').catch((error: unknown) => error);
    expect(again).toBeInstanceOf(WorkflowUpdateFailedError);
    expect((again as WorkflowUpdateFailedError).cause).toMatchObject({
      type: 'ILLEGAL_COMMAND',
      message: expect.stringContaining('rolling-back') as string,
    });
    held.release();
    await expectRolledBack();
  });

  it('a rollback counts where a retirement that was stopped asks what to do (R6, R7, invariants 2 and 7)', async () => {
    const { mesh, interference } = scenario;
    await untilSecondGate();
    const held = interference.hold('retire', (node) => node === 'bom-sign-1');
    await mesh.approve('ada', 'grace');
    await held.node();
    await mesh.tell('cancel', 'rita');
    held.release();
    expect((await mesh.untilQuestion('retire-failed')).phase).toBe('escalated');
    await mesh.tell('rollback', 'grace');
    await expectRolledBack();
  });

  it('nothing is retired before two people have approved again: approvals count for one gate (R5, R9, invariants 2, 4 and 5)', async () => {
    const { mesh } = scenario;
    const to = await untilSecondGate();
    expect((await mesh.status()).gate).toMatchObject({ counting: 0 });
    expect(new Set(Object.values(activeManifests(mesh)))).toEqual(new Set([to]));
    await mesh.tell('approve', 'ada', { digest: to });
    await expect(mesh.tell('approve', 'ada', { digest: to })).rejects.toThrow(WorkflowUpdateFailedError);
    await expect(mesh.tell('approve', 'rita', { digest: to })).rejects.toThrow(WorkflowUpdateFailedError);
    expect(await mesh.status()).toMatchObject({ phase: 'awaiting-retirement', gate: { counting: 1 } });
    expect(filesPerFolder()).toEqual([8]);
    await mesh.tell('approve', 'grace', { digest: to });
    expect((await mesh.result()).outcome).toBe('completed');
    expect(filesPerFolder()).toEqual([4]);
  });
});
