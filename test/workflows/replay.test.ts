import { Worker } from '@temporalio/worker';
import { expect, it } from 'vitest';
import { testWorkflowBundle } from '../setup/temporal.js';
import { recordedHistories } from './histories.js';

it('the workflows of today go on from the histories of every release (T8)', { timeout: 240_000 }, async () => {
  const recorded = recordedHistories();
  const kinds = recorded.map(({ name }) => name.replace(/^[^/]+\//, '').replace(/-\d+\.json$/, ''));
  expect([...new Set(kinds)].sort()).toEqual(
    expect.arrayContaining([
      'expiry-scan',
      'incident-rollback',
      'rotation-completed',
      'rotation-rolled-back',
      'step-retire-all',
      'step-stage-all',
      'step-switch-canary',
    ]),
  );
  const replayed: string[] = [];
  const histories = recorded.map(({ workflowId, history }) => ({ workflowId, history }));
  for await (const { workflowId, error } of Worker.runReplayHistories({ workflowBundle: await testWorkflowBundle() }, histories)) {
    if (error !== undefined) throw error;
    replayed.push(workflowId);
  }
  expect(replayed).toHaveLength(recorded.length);
});

it('a history that today’s code would not have written is noticed (T8)', { timeout: 240_000 }, async () => {
  const recorded = recordedHistories().find(({ name }) => name.includes('step-stage-all'));
  const events = (recorded?.history.events ?? []).map((event) => {
    const scheduled = event.activityTaskScheduledEventAttributes;
    return scheduled?.activityType?.name === 'stageNode'
      ? { ...event, activityTaskScheduledEventAttributes: { ...scheduled, activityType: { name: 'retireNode' } } }
      : event;
  });
  const other = [{ workflowId: recorded?.workflowId ?? '', history: { events } }];
  const errors: unknown[] = [];
  for await (const { error } of Worker.runReplayHistories({ workflowBundle: await testWorkflowBundle() }, other)) errors.push(error);
  expect(errors).toEqual([expect.objectContaining({ name: 'DeterminismViolationError' })]);
});
