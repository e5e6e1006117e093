import { ActivityFailure, ApplicationFailure } from '@temporalio/workflow';

/** Before anything is changed, what trying again cannot mend is a refusal with its reasons: a rotation's workflow always completes. */
export async function orRefused<T>(work: Promise<T>): Promise<T | { readonly refused: readonly string[] }> {
  try {
    return await work;
  } catch (error) {
    const cause = error instanceof ActivityFailure ? error.cause : undefined;
    if (!(cause instanceof ApplicationFailure)) throw error;
    return { refused: [cause.message] };
  }
}
