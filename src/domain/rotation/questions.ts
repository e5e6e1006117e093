import type { Duration, Instant, NodeName } from '../brands.js';
import type { Policy } from '../policy.js';
import type { Question, QuestionId, QuestionOption, RotationState } from './state.js';
import { lastAutomaticRollback } from './timeline.js';

export interface Asking {
  readonly id: QuestionId;
  readonly nodes: readonly NodeName[];
}

/** What may be answered to each question, where the state allows it. */
export const OPTIONS: Readonly<Record<QuestionId, readonly QuestionOption[]>> = {
  stalled: ['retry', 'rollback'],
  inconclusive: ['retry', 'rollback'],
  'node-offline': ['wait', 'rollback'],
  'keychain-locked': ['retry', 'rollback'],
  'approve-now': ['approve', 'reject'],
  'head-moved': ['rollback'],
  'node-not-back': ['retry', 'close'],
  'retire-failed': ['retry', 'rollback', 'close'],
  'past-horizon': ['resume', 'rollback', 'close'],
};

const UNANSWERED: Readonly<Record<QuestionId, Question['unanswered']>> = {
  stalled: 'rollback',
  inconclusive: 'rollback',
  'node-offline': 'rollback',
  'keychain-locked': 'rollback',
  'approve-now': 'parked',
  'head-moved': 'rollback',
  'node-not-back': 'stays',
  'retire-failed': 'stays',
  'past-horizon': 'stays',
};

/** How long people have. `approve-now` runs to the last moment at which the canary can still be brought back. */
function timeFor(id: QuestionId, policy: Policy): Duration {
  switch (id) {
    case 'stalled':
    case 'inconclusive':
    case 'node-offline':
    case 'keychain-locked':
    case 'head-moved':
      return policy.cohorts.stallTimeout;
    case 'approve-now':
      return policy.gate.remindEvery;
    case 'node-not-back':
    case 'retire-failed':
    case 'past-horizon':
      return 0;
  }
}

/** Options that make sense in this state: going on needs a gate that was passed, a rollback assets that can still sign. */
function optionsFor(id: QuestionId, state: RotationState, now: Instant): readonly QuestionOption[] {
  const alive = state.plan !== null && now + state.offset < state.plan.horizon;
  const passed = state.gate !== null && (state.gate.kind === 'retirement' || state.gate.passedAt !== null);
  return OPTIONS[id].filter((option) =>
    option === 'rollback' ? alive || UNANSWERED[id] === 'rollback' : option === 'resume' ? passed : true,
  );
}

/** Puts a question; the rotation waits for `rotation answer` or for the deadline. */
export function ask(state: RotationState, asking: Asking, now: Instant): RotationState {
  const unanswered = UNANSWERED[asking.id];
  const latest =
    state.plan === null
      ? now
      : lastAutomaticRollback(state.plan.horizon, state.plan.nodes, state.plan.maxUnavailable, state.policy) - state.offset;
  // Never later than the last moment for an automatic rollback, so that silence cannot outlive it.
  const deadline = unanswered === 'stays' ? null : Math.max(now, Math.min(now + timeFor(asking.id, state.policy), latest - 1));
  return {
    ...state,
    stalledSince: null,
    question: {
      id: asking.id,
      nodes: asking.nodes,
      options: optionsFor(asking.id, state, now),
      askedAt: now,
      deadline,
      unanswered,
      nextPageAt: now,
    },
  };
}
