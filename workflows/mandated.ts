import { ActivityFailure, ApplicationFailure } from '@temporalio/workflow';

/** What a worker refused, as the end of the workflow: its code and its sentence. */
export function failedOrder(error: unknown): unknown {
  if (!(error instanceof ActivityFailure)) return error;
  const { cause } = error;
  return cause instanceof ApplicationFailure
    ? ApplicationFailure.nonRetryable(cause.message, cause.type)
    : ApplicationFailure.nonRetryable(`nobody could tell in time who asks; ask again: ${error.message}`, 'TEMPORAL_UNREACHABLE');
}
