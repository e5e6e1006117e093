import { ActivityFailure, ApplicationFailure, TimeoutFailure } from '@temporalio/workflow';
import type { NodeName } from '../src/domain/brands.js';
import { nobodyThere, type Handout, type Routes } from '../src/domain/node/routes.js';

/** Whether nobody took an activity up: no worker polls its task queue, or none has a place free. */
export const isUntaken = (error: unknown): boolean =>
  error instanceof ActivityFailure && error.cause instanceof TimeoutFailure && error.cause.timeoutType === 'SCHEDULE_TO_START';

/** What a node's operation failed of: that of a failed activity, or an answer that does not count. */
export const causeOf = (error: unknown): unknown => (error instanceof ActivityFailure ? error.cause : error);

/** Why a node's operation came to nothing, for who asked for it; anything but a failed activity, or an answer that does not count, is thrown on. */
export function whyNot(error: unknown, node: NodeName, routes: Routes, handout: Handout | null): string {
  if (error instanceof ApplicationFailure) return error.message;
  if (!(error instanceof ActivityFailure)) throw error;
  if (handout !== null && isUntaken(error)) return nobodyThere(node, routes, handout.patience);
  return error.cause?.message ?? error.message;
}
