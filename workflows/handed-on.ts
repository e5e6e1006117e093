import type { WorkflowInfo } from '@temporalio/workflow';

/**
 * Whether a run was begun by continue-as-new. Runs that Temporal begins itself, by a retry policy or a cron schedule that somebody has set, name a run before them too, and have
 * what their starter gave (https://docs.temporal.io/workflow-execution/event#workflowexecutionstarted); reseal sets neither.
 */
export const isHandedOn = ({ continuedFromExecutionRunId, attempt, cronSchedule }: WorkflowInfo): boolean =>
  continuedFromExecutionRunId !== undefined && attempt === 1 && !cronSchedule;
