import type { NodeTask, NodeWork, Plan, RotationState } from './state.js';

/** The positions of the cohort plan that a task covers. */
export function rangeOf(plan: Plan, wave: number | null): { readonly first: number; readonly count: number } {
  if (wave === null) return { first: 0, count: plan.nodes };
  const first = plan.waves.slice(0, wave).reduce((sum, size) => sum + size, 0);
  return { first, count: plan.waves[wave] ?? 0 };
}

export function startWork(state: RotationState, task: NodeTask, wave: number | null): NodeWork {
  const everything = state.plan === null ? 0 : rangeOf(state.plan, wave).count;
  return state.phase === 'rolling-back' && state.only !== null
    ? { operation: task, wave, handled: everything, again: state.only }
    : { operation: task, wave, handled: 0, again: [] };
}

/** Whether every node of the task had its turn. */
export function isWorkDone(state: RotationState): boolean {
  const { work, plan } = state;
  return work !== null && plan !== null && work.again.length === 0 && work.handled >= rangeOf(plan, work.wave).count;
}

/** Whether all that is left of the task are nodes that have another turn. */
export const hadItsTurn = ({ work, plan }: RotationState): boolean =>
  work !== null && plan !== null && work.handled >= rangeOf(plan, work.wave).count;

export const allowance = (state: RotationState): number => (state.plan?.maxUnavailable ?? 0) - state.troubles.length;
