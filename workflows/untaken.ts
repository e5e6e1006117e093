import { ActivityFailure, TimeoutFailure } from '@temporalio/workflow';

/** Whether nobody took an activity up: no worker polls its task queue, or none has a place free. */
export const isUntaken = (error: unknown): boolean =>
  error instanceof ActivityFailure && error.cause instanceof TimeoutFailure && error.cause.timeoutType === 'SCHEDULE_TO_START';
