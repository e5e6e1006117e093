import type { Duration, Instant, LineName, PersonId, RotationId } from '../brands.js';
import type { Policy } from '../policy.js';
import { approvalsNeeded, isEmergency } from './emergency.js';
import { isLegalTransition, isTerminal, type Outcome, type Phase } from './phases.js';
import { ask } from './questions.js';
import type { Approval, Authority, RotationState, Trigger } from './state.js';
import { lastAutomaticRollback, latestApproval } from './timeline.js';

export const NOTHING_DONE = { staged: 'no', switched: [], head: 'no', retired: 'no' } as const;

/** What counts until the configuration has been read: nothing is at stake before that. */
const BY_NAME: Authority = { installation: '', mode: 'production', assurance: 'name', keys: {} };

/** A rotation that has just been asked for. */
export function newRotation(line: LineName, trigger: Trigger, policy: Policy, offset: Duration, now: Instant): RotationState {
  return {
    id: `${line}-new` as RotationId,
    line,
    trigger,
    k: 0,
    d: 0,
    offset,
    phase: 'scheduled',
    since: now,
    startedAt: now,
    policy,
    rights: {},
    authority: BY_NAME,
    heard: [],
    missing: [],
    ignored: [],
    fingerprint: '',
    lookAgainAt: null,
    askedAt: null,
    expiresFirst: null,
    plan: null,
    done: NOTHING_DONE,
    headSeq: 0,
    work: null,
    troubles: [],
    gate: null,
    approvals: [],
    paused: null,
    question: null,
    stalledSince: null,
    soak: null,
    lastSwitchAt: null,
    lastReturnAt: null,
    served: false,
    only: null,
    park: false,
    reasons: [],
    turnedAt: null,
    restoredAt: null,
    endedAt: null,
  };
}

/** Moves to a phase, or throws: a move that the diagram does not have is a defect, never an operator's fault. */
export function move(state: RotationState, to: Phase, now: Instant): RotationState {
  if (!isLegalTransition(state.phase, to)) throw new Error(`no transition from ${state.phase} to ${to}`);
  return {
    ...state,
    phase: to,
    since: now,
    work: null,
    question: null,
    paused: null,
    stalledSince: null,
    ...(state.awaitedRoster ? { awaitedRoster: null } : {}),
    endedAt: isTerminal(to) ? now : null,
  };
}

export const end = (state: RotationState, outcome: Outcome, reasons: readonly string[], now: Instant): RotationState =>
  move({ ...state, reasons: [...state.reasons, ...reasons] }, outcome, now);

/** Nodes that may serve `to`: all of the cohorts begun. */
export const switchedNodes = (state: RotationState): number =>
  state.done.switched.reduce((sum, reached, wave) => sum + (reached === 'no' ? 0 : (state.plan?.waves[wave] ?? 0)), 0);

export const lineClock = (state: RotationState, now: Instant): Instant => now + state.offset;

/** Whether a rollback begun by itself now would end before the old assets die. */
export function mayTurnBack(state: RotationState, now: Instant): boolean {
  const plan = state.plan;
  return (
    plan !== null &&
    !isEmergency(state) &&
    lineClock(state, now) < lastAutomaticRollback(plan.horizon, switchedNodes(state), plan.maxUnavailable, state.policy)
  );
}

/** Failure: an ordered rollback while it can still end in time, else a question to people. */
export function turnBack(state: RotationState, reason: string, now: Instant): RotationState {
  const reasons = [...state.reasons, reason];
  if (mayTurnBack(state, now)) return startRollback({ ...state, reasons }, now);
  const escalated = move({ ...state, reasons, turnedAt: state.phase }, 'escalated', now);
  return ask(escalated, { id: 'past-horizon', nodes: state.troubles.map((trouble) => trouble.node) }, now);
}

/** The ordered rollback, whatever the horizon: the operator's own command comes here too. */
export function startRollback(state: RotationState, now: Instant): RotationState {
  return move(
    { ...state, d: state.d + 1, turnedAt: state.turnedAt ?? state.phase, troubles: [], only: null, pins: null },
    'rolling-back',
    now,
  );
}

/** Whether the signoff gate was passed, so that nodes beyond the canary may serve `to`. */
export const gatePassed = (state: RotationState): boolean =>
  state.gate !== null && (state.gate.kind === 'retirement' || state.gate.passedAt !== null);

/** Approvals that count now: of exactly this `to`, by distinct eligible people, not expired. */
export function countingApprovals(state: RotationState, now: Instant): readonly Approval[] {
  const plan = state.plan;
  if (plan === null) return [];
  const seen = new Set<PersonId>();
  return state.approvals.filter((approval) => {
    const counts =
      approval.digest === plan.to &&
      plan.eligible.includes(approval.person) &&
      !seen.has(approval.person) &&
      now - approval.at <= state.policy.gate.approvalValid;
    seen.add(approval.person);
    return counts;
  });
}

export const enoughApprovals = (state: RotationState, now: Instant): boolean =>
  countingApprovals(state, now).length >= approvalsNeeded(state);

export const latestApprovalOf = (state: RotationState): Instant | null =>
  state.plan === null ? null : latestApproval(state.plan.horizon, state.plan, state.policy) - state.offset;
