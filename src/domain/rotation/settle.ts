import type { Instant, NodeName } from '../brands.js';
import { startSoak } from './events.js';
import { isApprovedStill, isEmergency } from './emergency.js';
import { retriedByItself } from './forward.js';
import { end, enoughApprovals, latestApprovalOf, lineClock, move, turnBack } from './moves.js';
import { withoutStaleWords, withoutWhom } from './exclusions.js';
import { isTerminal, type Phase } from './phases.js';
import { buildsDrainedAt, judgePins, letGo } from './pins.js';
import { ask, type Asking } from './questions.js';
import { isWaitingForHead, rollbackPlan, undo } from './rollback.js';
import { replaceable } from './stand-ins.js';
import type { RotationState, Trouble } from './state.js';
import { allowance, hadItsTurn, isWorkDone } from './work.js';

/** Applies everything that follows from time and from what is done, until nothing does. Pure; called before every `next`. */
export function settle(state: RotationState, now: Instant): RotationState {
  for (let current = state, rounds = 0; ; rounds++) {
    const after = settleOnce(current, now);
    if (after === current) return withoutStaleWords(current);
    if (rounds > 50) throw new Error(`the rotation does not settle in ${after.phase}`);
    current = after;
  }
}

function settleOnce(state: RotationState, now: Instant): RotationState {
  if (isTerminal(state.phase)) return state;
  if (state.paused !== null) {
    if (state.paused.because === 'withdrawn' && enoughApprovals(state, now)) return { ...state, paused: null };
    if (now < state.paused.until) return state;
    const resumed = { ...state, paused: null };
    return state.paused.because === 'withdrawn' && !enoughApprovals(state, now)
      ? turnBack(resumed, 'an approval was withdrawn and not replaced before the latest safe time to go on', now)
      : resumed;
  }
  if (lacksApproval(state)) return ask(state, { id: 'approve-now', nodes: [] }, now);
  if (state.question !== null) return settleQuestion(state, now);
  switch (state.phase) {
    case 'preflight':
      return settleEmergencyGate(state, now);
    case 'staging':
      return settleStaging(state, now);
    case 'canary':
      return settleCanary(state, now);
    case 'awaiting-signoff':
      return settleSignoff(state, now);
    case 'rolling':
      return settleRolling(state, now);
    case 'cutover':
      return settleCutover(state, now);
    case 'soaking':
      return settleSoak(state, now);
    case 'awaiting-retirement': {
      // From the horizon on the old asset is dead: nothing is left to keep it for.
      const dead = state.plan !== null && lineClock(state, now) >= state.plan.horizon;
      return dead || (state.gate?.kind === 'retirement' && enoughApprovals(state, now)) ? move(state, 'retiring', now) : state;
    }
    case 'retiring':
      return settleRetiring(state, now);
    case 'rolling-back':
      return settleRollback(state, now);
    default:
      return state;
  }
}

/** Phases of an emergency in which it goes on by what people have approved. */
const BY_APPROVAL: readonly Phase[] = ['staging', 'canary', 'rolling', 'cutover'];

/** What was withdrawn from an emergency lets nobody go on, whatever else is asked, answered or left out meanwhile. */
const lacksApproval = (state: RotationState): boolean =>
  isEmergency(state) && state.question?.id !== 'approve-now' && BY_APPROVAL.includes(state.phase) && !isApprovedStill(state);

function settleQuestion(state: RotationState, now: Instant): RotationState {
  const { question } = state;
  if (question === null || question.deadline === null || now < question.deadline) {
    // The gate goes on counting approvals while it asks for them.
    return question?.id === 'approve-now' && enoughApprovals(state, now) ? { ...state, question: null } : state;
  }
  const reason = `the question ${question.id} was not answered in time`;
  switch (question.unanswered) {
    case 'rollback':
      return turnBack({ ...state, question: null }, reason, now);
    case 'parked':
      // On the way back already, with nothing left to do but take the new assets away: they stay.
      if (state.phase === 'rolling-back') return { ...state, question: null, park: true, reasons: [...state.reasons, reason] };
      return park({ ...state, question: null }, reason, now);
    case 'retire':
      return { ...state, question: null, pins: letGo(state, now), reasons: [...state.reasons, reason] };
    case 'stays':
      return state;
  }
}

/** `from` active everywhere, `to` left staged. */
function park(state: RotationState, reason: string, now: Instant): RotationState {
  if (state.gate?.silence === 'returned') return end({ ...state, restoredAt: state.restoredAt ?? now }, 'parked', [reason], now);
  return turnBack({ ...state, park: true }, reason, now);
}

const namesWith = (state: RotationState, outcome: Trouble['outcome']): NodeName[] =>
  state.troubles.filter((trouble) => trouble.outcome === outcome).map((trouble) => trouble.node);

/** A cohort had its turn and some of it is neither done nor failed: people decide. */
function askAboutTroubles(state: RotationState, now: Instant): RotationState {
  const again = retriedByItself(state, now);
  if (again !== null) return again;
  const [locked, unclear] = [namesWith(state, 'locked'), namesWith(state, 'inconclusive')];
  const asking: Asking =
    locked.length > 0
      ? { id: 'keychain-locked', nodes: locked }
      : unclear.length > 0
        ? { id: 'inconclusive', nodes: unclear }
        : isEmergency(state) && namesWith(state, 'failed').length > 0
          ? { id: 'stalled', nodes: state.troubles.map((trouble) => trouble.node) }
          : { id: 'node-offline', nodes: namesWith(state, 'unreachable') };
  return ask(state, asking, now);
}

/** What is left over when every node had its turn. */
const askAboutTheRest = (state: RotationState, now: Instant): RotationState =>
  retriedByItself(state, now) ?? ask(state, { id: 'stalled', nodes: state.troubles.map((trouble) => trouble.node) }, now);

/** An emergency asks as soon as its gate is open, and pages until enough people have approved: before that no node is changed. */
function settleEmergencyGate(state: RotationState, now: Instant): RotationState {
  const { gate } = state;
  if (gate === null) return state;
  return enoughApprovals(state, now)
    ? move({ ...state, gate: { ...gate, passedAt: now } }, 'staging', now)
    : ask(state, { id: 'approve-now', nodes: [] }, now);
}

function settleStaging(state: RotationState, now: Instant): RotationState {
  if (!isWorkDone(state)) return state;
  if (state.troubles.length > 0) return askAboutTroubles(state, now);
  return move({ ...state, done: { ...state.done, staged: 'done' } }, 'canary', now);
}

function markSwitched(state: RotationState, wave: number): RotationState {
  return {
    ...state,
    work: null,
    done: { ...state.done, switched: state.done.switched.map((reached, index) => (index === wave ? 'done' : reached)) },
  };
}

function settleCanary(state: RotationState, now: Instant): RotationState {
  if (replaceable(state) !== null) return state;
  if (state.troubles.length > 0) return isWorkDone(state) || allowance(state) <= 0 ? askAboutTroubles(state, now) : state;
  if (!isWorkDone(state)) return state;
  const gate = state.gate === null ? null : { ...state.gate, silence: 'no' as const };
  return move(markSwitched({ ...state, gate }, 0), 'awaiting-signoff', now);
}

function settleSignoff(state: RotationState, now: Instant): RotationState {
  const { gate, awaitedRoster } = state;
  // Its gate was passed before the first node was changed.
  if (isEmergency(state)) return move(state, 'rolling', now);
  if (gate === null) {
    const latest = awaitedRoster ? latestApprovalOf(state) : null;
    return latest === null || now < latest ? state : park(state, `the gate did not open in time: ${awaitedRoster?.reason ?? ''}`, now);
  }
  if (gate.silence === 'returning') {
    if (!isWorkDone(state)) return state;
    if (state.troubles.length > 0) return turnBack(state, 'the canary could not be returned while the gate was silent', now);
    const returned = { ...state, work: null, done: undo(state.done, { do: 'return', wave: 0 }) };
    return { ...returned, gate: { ...gate, silence: 'returned' } };
  }
  if (enoughApprovals(state, now)) {
    if (gate.silence === 'returned') return move(state, 'canary', now);
    return move({ ...state, gate: { ...gate, passedAt: now } }, 'rolling', now);
  }
  const latest = latestApprovalOf(state);
  if (latest !== null && now >= latest) return ask(state, { id: 'approve-now', nodes: [] }, now);
  if (gate.silence === 'no' && now >= gate.deadline) return { ...state, work: null, gate: { ...gate, silence: 'returning' } };
  return state;
}

function settleRolling(state: RotationState, now: Instant): RotationState {
  const wave = state.done.switched.findIndex((reached) => reached !== 'done');
  if (state.work !== null && isWorkDone(state) && state.work.wave !== null) {
    if (namesWith(state, 'inconclusive').length + namesWith(state, 'locked').length > 0) return askAboutTroubles(state, now);
    return markSwitched(state, state.work.wave);
  }
  if (wave < 0 && state.work === null) {
    if (state.troubles.length === 0) return move(state, 'cutover', now);
    return askAboutTheRest(state, now);
  }
  if (allowance(state) > 0) return state.stalledSince === null ? state : { ...state, stalledSince: null };
  // Nobody opens a keychain by waiting.
  if (namesWith(state, 'locked').length > 0) return askAboutTroubles(state, now);
  // With nothing to go back to there is nothing to be waited for.
  if (isEmergency(state)) return askAboutTheRest(state, now);
  if (state.stalledSince === null) return { ...state, stalledSince: now };
  if (now < state.stalledSince + state.policy.cohorts.stallTimeout) return state;
  return ask(state, { id: 'stalled', nodes: state.troubles.map((trouble) => trouble.node) }, now);
}

/** A store that does not take the new head for a while is no failure yet, and nothing to be waited for in silence. */
function settleCutover(state: RotationState, now: Instant): RotationState {
  if (state.stalledSince === null) return { ...state, stalledSince: now };
  return now < stalledUntil(state, now) ? state : ask(state, { id: 'stalled', nodes: [] }, now);
}

export const stalledUntil = (state: RotationState, now: Instant): Instant =>
  (state.stalledSince ?? now) + state.policy.cohorts.stallTimeout;

function settleSoak(state: RotationState, now: Instant): RotationState {
  const { soak } = state;
  if (soak === null) return startSoak(state, now);
  if (state.work !== null && isWorkDone(state)) {
    if (state.work.operation === 'repair') return { ...state, work: null, soak: { ...soak, nextProbeAt: now } };
    const probed = { ...state, work: null, soak: { ...soak, rounds: soak.rounds + 1, nextProbeAt: now + state.policy.soak.interval } };
    if (now < soak.endsAt || now < buildsDrainedAt(state)) return probed;
    // Coverage is proved by a round after the soak's end.
    if (state.troubles.length > 0) return askAboutTheRest(probed, now);
    const verdict = judgePins(probed, now);
    if (verdict.pins === 'held') return probed;
    if (verdict.pins === 'overdue') return askAboutPins(probed, now);
    return move(probed, state.policy.retirement.secondGate && !isEmergency(state) ? 'awaiting-retirement' : 'retiring', now);
  }
  return state;
}

const askAboutPins = (state: RotationState, now: Instant): RotationState =>
  ask(state, { id: 'pin-overdue', nodes: state.pins?.held?.nodes ?? [] }, now);

/** Whether every node had its turn, and those that are left keep something for builds that should be over by now. */
const isHeldTooLong = (state: RotationState, now: Instant): boolean =>
  state.work !== null && hadItsTurn(state) && judgePins(state, now).pins === 'overdue';

function settleRetiring(state: RotationState, now: Instant): RotationState {
  if (isHeldTooLong(state, now)) return askAboutPins(state, now);
  if (!isWorkDone(state)) return state;
  if (state.troubles.length === 0) {
    return end({ ...state, done: { ...state.done, retired: 'done' } }, 'completed', withoutWhom(state), now);
  }
  const again = retriedByItself(state, now);
  if (again !== null) return again;
  const nodes = state.troubles.map((trouble) => trouble.node);
  return ask(move({ ...state, turnedAt: 'retiring' }, 'escalated', now), { id: 'retire-failed', nodes }, now);
}

/** Whether `from` has life enough left to be the only asset on the mesh. */
export const mayUnstage = (state: RotationState, now: Instant): boolean =>
  !state.park && state.plan !== null && state.plan.horizon - lineClock(state, now) >= state.policy.rollback.minLifeAfterRollback;

function settleRollback(state: RotationState, now: Instant): RotationState {
  const step = rollbackPlan(state.done)[0];
  if (step !== undefined && step.do !== 'return-head' && state.work !== null && isWorkDone(state)) {
    return { ...state, work: null, done: undo(state.done, step) };
  }
  const returned = step === undefined || step.do === 'unstage';
  const restored = returned || (step.do === 'return-head' && state.done.head === 'put-off');
  if (!returned && state.plan !== null && lineClock(state, now) >= state.plan.horizon) {
    const reason = `the old assets died before ${restored ? 'the head of the line' : 'every node'} was back on them`;
    return ask(move({ ...state, reasons: [...state.reasons, reason] }, 'escalated', now), { id: 'past-horizon', nodes: [] }, now);
  }
  const stuck = state.troubles.map((trouble) => trouble.node);
  if (state.only !== null && isWaitingForHead(state)) return { ...state, only: null };
  if (restored && state.restoredAt === null && stuck.length === 0) return { ...state, restoredAt: now };
  if (step?.do === 'unstage' && !mayUnstage(state, now)) {
    return stuck.length > 0 ? escalateNotBack(state, stuck, now) : end(state, 'parked', withoutWhom(state), now);
  }
  if (step?.do === 'unstage' && isHeldTooLong(state, now)) return askAboutPins(state, now);
  if (step !== undefined) return state;
  return stuck.length > 0 ? escalateNotBack(state, stuck, now) : end(state, 'rolled-back', withoutWhom(state), now);
}

const escalateNotBack = (state: RotationState, nodes: readonly NodeName[], now: Instant): RotationState =>
  ask(move(state, 'escalated', now), { id: 'node-not-back', nodes }, now);
