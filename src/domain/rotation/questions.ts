import type { Duration, Instant, NodeName } from '../brands.js';
import type { Policy } from '../policy.js';
import type { Question, QuestionId, QuestionOption, RotationState } from './state.js';
import { isApprovedStill, isEmergency } from './emergency.js';
import { lastAutomaticRollback } from './timeline.js';

export interface Asking {
  readonly id: QuestionId;
  readonly nodes: readonly NodeName[];
}

/** What may be answered to each question, where the state allows it. */
export const OPTIONS: Readonly<Record<QuestionId, readonly QuestionOption[]>> = {
  stalled: ['retry', 'exclude', 'rollback'],
  inconclusive: ['retry', 'exclude', 'rollback'],
  'node-offline': ['wait', 'exclude', 'rollback'],
  'keychain-locked': ['retry', 'exclude', 'rollback'],
  'approve-now': ['approve', 'reject'],
  'head-moved': ['rollback'],
  'pin-overdue': ['wait', 'retire', 'rollback'],
  'node-not-back': ['retry', 'exclude', 'close'],
  'retire-failed': ['retry', 'exclude', 'rollback', 'close'],
  'past-horizon': ['resume', 'rollback', 'close'],
};

const UNANSWERED: Readonly<Record<Exclude<QuestionId, 'pin-overdue'>, Question['unanswered']>> = {
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

/** On the way forward the old manifest goes at the horizon, whoever holds it; on the way back the new one may stay for good. */
function unansweredOf(id: QuestionId, state: RotationState): Question['unanswered'] {
  // No silence ends an emergency, and none leads back.
  if (isEmergency(state)) return 'stays';
  return id !== 'pin-overdue' ? UNANSWERED[id] : state.phase === 'rolling-back' ? 'parked' : 'retire';
}

/** How long people have. `approve-now` runs to the last moment at which the canary can still be brought back. */
function timeFor(id: Exclude<QuestionId, 'pin-overdue'>, policy: Policy): Duration {
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

/** Until when people may answer; null: it stays. */
function deadlineOf(id: QuestionId, state: RotationState, now: Instant): Instant | null {
  const { plan, policy, offset } = state;
  if (unansweredOf(id, state) === 'stays') return null;
  if (id === 'pin-overdue') {
    const life = state.phase === 'rolling-back' ? policy.rollback.minLifeAfterRollback : 0;
    return Math.max(now, (plan?.horizon ?? now) - life - offset);
  }
  const latest = plan === null ? now : lastAutomaticRollback(plan.horizon, plan.nodes, plan.maxUnavailable, policy) - offset;
  // Never later than the last moment for an automatic rollback, so that silence cannot outlive it.
  return Math.max(now, Math.min(now + timeFor(id, policy), latest - 1));
}

/** Options that make sense in this state: going on needs a gate that was passed, a rollback assets that can still sign, leaving out somebody to leave out. */
function optionsFor({ id, nodes }: Asking, state: RotationState, now: Instant): readonly QuestionOption[] {
  const alive = state.plan !== null && now + state.offset < state.plan.horizon;
  const passed =
    state.gate !== null &&
    (state.gate.kind === 'retirement' || state.gate.passedAt !== null) &&
    (!isEmergency(state) || isApprovedStill(state));
  const back = state.phase === 'rolling-back';
  // It has no way back, and the head is another one's: what nodes serve is left to a rotation from there.
  if (isEmergency(state) && id === 'head-moved') return ['close'];
  return OPTIONS[id].filter((option) =>
    option === 'rollback'
      ? !back && (alive || unansweredOf(id, state) === 'rollback')
      : option === 'exclude'
        ? nodes.length > 0
        : option === 'resume'
          ? passed
          : true,
  );
}

/** How often an open question pages. */
export const pageEvery = (id: QuestionId, policy: Policy): Duration =>
  id === 'pin-overdue' ? policy.retirement.overduePinPageEvery : policy.escalation.pageEvery;

/** Puts a question; the rotation waits for `rotation answer` or for the deadline. */
export function ask(state: RotationState, asking: Asking, now: Instant): RotationState {
  return {
    ...state,
    stalledSince: null,
    question: {
      id: asking.id,
      nodes: asking.nodes,
      options: optionsFor(asking, state, now),
      askedAt: now,
      deadline: deadlineOf(asking.id, state, now),
      unanswered: unansweredOf(asking.id, state),
      nextPageAt: now,
    },
  };
}
