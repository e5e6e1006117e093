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
