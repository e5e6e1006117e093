import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { expiryScan } from '../../workflows/expiry-scan.js';
import { startScenario, type Scenario } from '../e2e/scenario.js';
import { record } from './histories.js';

const release = process.env['RESEAL_RECORD_HISTORIES'];

// Run by scripts/record-histories.ts, once per release.
describe.skipIf(release === undefined)('real histories are recorded', () => {
  let scenario: Scenario;
  beforeAll(async () => {
    scenario = await startScenario({ nodes: 3 });
  });
  afterAll(() => scenario.end());

  it('of a rotation that is rejected, one that completes, its incident rollback, a scan and steps', async () => {
    const { mesh } = scenario;
    const { temporal } = mesh;
    const keep = (name: string, handle: Parameters<typeof record>[3]): Promise<void> => record(temporal, release ?? '', name, handle);

    const rejected = await mesh.rotate();
    await mesh.untilGate();
    await mesh.tell('reject', 'grace', { reason: 'not this week' });
    expect((await rejected.result()).outcome).toBe('rolled-back');
    await keep('rotation-rolled-back', rejected);

    const completed = await mesh.rotate();
    await mesh.approve('ada', 'grace');
    expect((await completed.result()).outcome).toBe('completed');
    await keep('rotation-completed', completed);
    for (const step of ['inspect/all', 'stage/all', 'switch/canary', 'retire/all']) {
      const handle = temporal.client.workflow.getHandle(`${completed.workflowId}/ios-main-2/2000/${step}/0`);
      await keep(`step-${step.replace('/', '-')}`, handle);
    }

    const incident = await mesh.rollBackCompleted('ios-main-2');
    expect((await incident.result()).outcome).toBe('rolled-back');
    await keep('incident-rollback', incident as typeof incident & { firstExecutionRunId?: string });

    const scan = await temporal.client.workflow.start<typeof expiryScan>('expiryScan', {
      workflowId: `${mesh.taskQueue}/expiry-scan`,
      taskQueue: mesh.taskQueue,
      args: [{ offset: 0 }],
    });
    expect((await scan.result()).asked).toEqual([mesh.mesh.line]);
    await keep('expiry-scan', scan);
  });
});
