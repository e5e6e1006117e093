import { renameSync } from 'node:fs';
import { WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Phase } from '../../src/domain/rotation/phases.js';
import { activeManifests, meshTruth } from './node-truth.js';
import { startScenario, type Scenario } from './scenario.js';

/** One mesh for all: each rotation must leave it so that the next one can begin. */
let scenario: Scenario;
beforeAll(async () => {
  scenario = await startScenario({ policy: { soak: { duration: '20s', interval: '500ms', floor: '0s' } } });
});
afterAll(() => scenario.end());
afterEach(() => {
  scenario.interference.before = () => undefined;
});

const rollBack = (): Promise<unknown> => scenario.mesh.tell('rollback', 'grace', { reason: 'enough' });

async function expectRolledBack(turnedAt: Phase): Promise<void> {
  const { mesh, before } = scenario;
  const end = await mesh.result();
  expect(end).toMatchObject({ outcome: 'rolled-back', reasons: ['rollback asked for by grace: enough'] });
  expect((await mesh.status()).turnedAt).toBe(turnedAt);
  expect(meshTruth(mesh)).toEqual(before);
  expect((await mesh.around.store('main').head(mesh.mesh.line))?.digest).toBe(mesh.mesh.manifest);
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'ACCEPTED';
  } catch (error) {
    if (error instanceof WorkflowUpdateFailedError && error.cause instanceof ApplicationFailure)
      return `${error.cause.type ?? ''} ${error.cause.message}`;
    throw error;
  }
}

describe('a rollback asked for in every phase brings every node back (R6, invariants 1, 6 and 7)', () => {
  it('before staging it is refused and cancel is named, and cancel ends it', async () => {
    const { mesh, before, interference } = scenario;
    const held = interference.hold('inspect');
    await mesh.rotate();
    await held.node();
    expect((await mesh.status()).phase).toBe('preflight');
    expect(await codeOf(rollBack())).toMatch(/^ILLEGAL_COMMAND .*cancel/);
    await mesh.tell('cancel', 'rita');
    held.release();
    expect(await mesh.result()).toMatchObject({ outcome: 'cancelled', reasons: ['cancelled by rita'] });
    expect(meshTruth(mesh)).toEqual(before);
  });

  it('staging, with a node that was asked before and answers only afterwards', async () => {
    const { mesh, interference } = scenario;
    const held = interference.hold('stage', (node) => node === 'iad-build-1');
    await mesh.rotate();
    await held.node();
    await rollBack();
    await mesh.untilStatus((status) => status.phase !== 'staging', 'the way back');
    held.release();
    await expectRolledBack('staging');
  });

  it('canary, with a switch that slept through the rollback and changes nothing when it wakes', async () => {
    const { mesh, interference, before } = scenario;
    const { to: target } = await startAndHold('switch');
    await rollBack();
    await expectRolledBack('canary');
    target.release();
    // The late attempt meets a higher epoch: the node refuses it.
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(meshTruth(mesh)).toEqual(before);
    interference.before = () => undefined;
  });

  it('awaiting-signoff', async () => {
    await scenario.mesh.rotate();
    await scenario.mesh.untilGate();
    await rollBack();
    await expectRolledBack('awaiting-signoff');
  });

  it('rolling', async () => {
    const { mesh, interference } = scenario;
    await mesh.rotate();
    await mesh.untilGate();
    let begun = 0;
    const held = interference.hold('switch', (_, target) => target !== mesh.mesh.manifest && ++begun > 2);
    await mesh.approve('ada', 'grace');
    await held.node();
    await rollBack();
    held.release();
    await expectRolledBack('rolling');
  });

  it('cutover, while the store is away', async () => {
    const { mesh, interference } = scenario;
    const { store } = mesh.mesh.folders;
    const switched = new Set<string>();
    await mesh.rotate();
    await mesh.untilGate();
    interference.before = (operation, node, target) => {
      if (operation !== 'switch' || target === mesh.mesh.manifest) return;
      switched.add(node);
      if (switched.size === 4) renameSync(store, `${store}.away`);
    };
    await mesh.approve('ada', 'grace');
    await mesh.untilPhase('cutover');
    interference.before = () => undefined;
    await rollBack();
    expect((await mesh.status()).phase).toBe('rolling-back');
    renameSync(`${store}.away`, store);
    await expectRolledBack('cutover');
  });

  it('soaking', async () => {
    const { mesh } = scenario;
    await mesh.rotate();
    await mesh.approve('ada', 'grace');
    const { to } = await mesh.untilPhase('soaking');
    expect(new Set(Object.values(activeManifests(mesh)))).toEqual(new Set([to]));
    await rollBack();
    await expectRolledBack('soaking');
  });
});

async function startAndHold(operation: 'switch'): Promise<{ to: ReturnType<Scenario['interference']['hold']> }> {
  const { mesh, interference } = scenario;
  const held = interference.hold(operation, (_, target) => target !== mesh.mesh.manifest);
  await mesh.rotate();
  await held.node();
  return { to: held };
}
