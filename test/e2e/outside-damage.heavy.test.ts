import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../setup/until.js';
import { meshTruth } from './node-truth.js';
import { startScenario, type Scenario } from './scenario.js';

let scenario: Scenario;
beforeAll(async () => {
  scenario = await startScenario({
    policy: {
      cohorts: { canary: { perImage: 1, share: '5%' }, waves: ['50%', '50%'], maxUnavailable: 1, stallTimeout: '3m' },
      limits: { stepNodes: 100, activitiesPerSecond: 1000, nodeOperationTimeout: '4s', nodeOfflineAfter: '1s' },
      soak: { duration: '5s', interval: '500ms', floor: '0s' },
    },
  });
});
afterAll(() => scenario.end());
afterEach(() => {
  scenario.interference.before = () => undefined;
});

const rollBack = async (): Promise<void> => {
  const { mesh, before } = scenario;
  await mesh.tell('rollback', 'ada');
  expect((await mesh.result()).outcome).toBe('rolled-back');
  expect(meshTruth(mesh)).toEqual(before);
};

describe('what others do while a rotation is under way never breaks it (R6, invariant 9)', () => {
  it('a policy.yaml that somebody breaks in mid-flight is waited out, not died of', async () => {
    const { mesh } = scenario;
    const file = join(mesh.mesh.folders.config, 'policy.yaml');
    const whole = readFileSync(file, 'utf8');
    await mesh.rotate();
    await mesh.untilGate();
    writeFileSync(file, `${whole}\nnonsense: [`);
    await mesh.approve('ada', 'grace');
    // Nodes are switched without it; where the head of the line is, only the configuration tells.
    await mesh.untilPhase('cutover');
    await until(async () => ((await mesh.handle.describe()).raw.pendingActivities ?? []).some(({ attempt }) => (attempt ?? 0) > 1), {
      what: 'a second attempt to move the head',
    });
    expect((await mesh.status()).phase).toBe('cutover');
    writeFileSync(file, whole);
    await mesh.untilPhase('soaking');
    await rollBack();
  });

  it('a node that hangs is one that does not answer: the question names it, and wait goes on when it is well again', async () => {
    const { mesh, interference } = scenario;
    const held = interference.hold('stage', (node) => node === 'bom-build-1');
    await mesh.rotate();
    await held.node();
    const { question, troubles } = await mesh.untilQuestion('node-offline');
    expect(question?.nodes).toEqual(['bom-build-1']);
    expect(troubles).toEqual([
      { node: 'bom-build-1', task: 'stage', outcome: 'unreachable', reason: 'stage on bom-build-1 did not end within 4 s' },
    ]);
    held.release();
    interference.before = () => undefined;
    await mesh.tell('answer', 'ada', { question: 'node-offline', option: 'wait' });
    await mesh.untilGate();
    await rollBack();
  });

  it('a step that an administrator terminates in Temporal is begun again', async () => {
    const { mesh, interference } = scenario;
    const held = interference.hold('stage');
    const { workflowId } = await mesh.rotate();
    await held.node();
    const { id } = await mesh.status();
    await mesh.temporal.client.workflow
      .getHandle(`${workflowId}/${id}/${1000 * Number(id.split('-').at(-1))}/stage/all/0`)
      .terminate('by mistake');
    held.release();
    interference.before = () => undefined;
    await mesh.untilGate();
    await rollBack();
  });

  it('a look at the nodes that an administrator terminates before anything has changed is a refusal, not a broken workflow', async () => {
    const { mesh, interference, before } = scenario;
    const held = interference.hold('inspect');
    const { workflowId } = await mesh.rotate();
    await held.node();
    const { id } = await mesh.status();
    await mesh.temporal.client.workflow
      .getHandle(`${workflowId}/${id}/${1000 * Number(id.split('-').at(-1))}/inspect/all/0`)
      .terminate('by mistake');
    held.release();
    interference.before = () => undefined;
    expect(await mesh.result()).toEqual({
      id,
      outcome: 'refused',
      reasons: [expect.stringMatching(/^looking at the nodes came to no end: terminated/i)],
    });
    expect(meshTruth(mesh)).toEqual(before);
  });

  it('a node whose own state is damaged fails its probe by name, and the others keep theirs', async () => {
    const { mesh } = scenario;
    const file = join(mesh.home('iad-build-1'), 'usr/local/var/reseal/state/accepted.json');
    await mesh.rotate();
    await mesh.approve('ada', 'grace');
    await mesh.untilPhase('soaking');
    const whole = readFileSync(file);
    writeFileSync(file, '{');
    const { troubles } = await mesh.untilStatus((status) => status.troubles.length > 0, 'a node in trouble');
    expect(troubles).toMatchObject([{ node: 'iad-build-1', outcome: 'failed', reason: expect.stringContaining('accepted.json') }]);
    writeFileSync(file, whole);
    await until(async () => (await mesh.status()).troubles.length === 0, { what: 'a node that is well again' });
    await rollBack();
  });
});
