import { TestWorkflowEnvironment } from '@temporalio/testing';
import { until } from './until.js';

/** A time-skipping server by this program. The SDK gives one 5 s to start, which a busy machine may not keep: it is then started once more. */
export const timeSkipping = (path: string): Promise<TestWorkflowEnvironment> =>
  until(() => TestWorkflowEnvironment.createTimeSkipping({ server: { executable: { type: 'existing-path', path } } }), {
    what: 'a time-skipping server',
    timeout: 60_000,
  });
