import type { Duration, Instant, NodeName, PersonId, RotationId, LineName } from '../brands.js';
import { nextOpening } from '../calendar.js';
import type { NodeResult } from '../node/report.js';
import type { Policy } from '../policy.js';
import { canRollBack, isBeforeChange, isLegalTransition, isTerminal, type Outcome, type Phase } from './phases.js';
import { ask, type Asking } from './questions.js';
import { rollbackPlan, undo } from './rollback.js';
import type { Approval, Gate, NodeTask, NodeWork, Plan, Reached, RotationState, Trigger, Trouble } from './state.js';
import { lastAutomaticRollback, latestApproval } from './timeline.js';

/** What the workflow does next. One at a time; it is given up as soon as `next` answers otherwise. */
export type Action =
  | { readonly do: 'open' }
  | { readonly do: 'find-successors' }
  | { readonly do: 'prepare' }
  | NodesAction
  | { readonly do: 'open-gate' }
  | { readonly do: 'remind'; readonly widened: boolean }
  | { readonly do: 'page' }
  | { readonly do: 'advance-head' }
  | { readonly do: 'return-head' }
  | { readonly do: 'wait'; readonly until: Instant; readonly why: string }
  | { readonly do: 'close' };

export interface NodesAction {
  readonly do: 'nodes';
  readonly task: NodeTask;
  readonly wave: number | null;
  /** Positions in the cohort plan. */
  readonly first: number;
  readonly count: number;
  /** Names that were handled before and have another turn; they come first. */
  readonly again: readonly NodeName[];
  /** Nodes not to touch, though the range holds them. */
  readonly except: readonly NodeName[];
  /** How many may be in flight; each failure lowers it by one, at 0 no further node is begun. Null: as many as the worker takes. */
  readonly inFlight: number | null;
  /** Stop beginning nodes at the first one that is not done. */
  readonly stopAtFirst: boolean;
}

/** What came of a node task: the nodes in trouble by name, those never begun by name, the others by number. */
export interface NodesEnded {
  /** The direction the work was begun in: what comes of it in another one says nothing. */
  readonly d: number;
  readonly task: NodeTask;
  readonly wave: number | null;
  readonly handled: number;
  readonly troubled: readonly Omit<NodeResult, 'passes'>[];
  readonly untried: readonly NodeName[];
  /** Names among `again` that were taken up. */
  readonly retried: readonly NodeName[];
}

export type RotationEvent =
  | {
      readonly event: 'opened';
      readonly k: number;
      readonly id: RotationId;
      readonly policy: Policy;
      readonly rights: RotationState['rights'];
    }
  | {
      readonly event: 'successors';
      readonly missing: readonly string[];
      readonly ignored: readonly string[];
      readonly fingerprint: string;
      readonly expiresFirst: Instant;
    }
  | { readonly event: 'prepared'; readonly plan: Plan }
  | { readonly event: 'refused'; readonly reasons: readonly string[] }
  | { readonly event: 'nodes-begun'; readonly task: NodeTask; readonly wave: number | null }
  | ({ readonly event: 'nodes-ended' } & NodesEnded)
  /** Work on nodes ended without an answer, again and again. */
  | { readonly event: 'nodes-lost'; readonly task: NodeTask; readonly reason: string }
  | { readonly event: 'gate-opened'; readonly rights: RotationState['rights'] }
  | { readonly event: 'reminded' }
  | { readonly event: 'paged' }
  | { readonly event: 'head-advancing' }
  | { readonly event: 'head-advanced'; readonly seq: number }
  | { readonly event: 'head-lost'; readonly reason: string }
  | { readonly event: 'head-returned'; readonly seq: number };

const NOTHING_DONE = { staged: 'no', switched: [], head: 'no', retired: 'no' } as const;

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

// ---------------------------------------------------------------------------------------------------------------- moves

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
    endedAt: isTerminal(to) ? now : null,
  };
}

const end = (state: RotationState, outcome: Outcome, reasons: readonly string[], now: Instant): RotationState =>
  move({ ...state, reasons: [...state.reasons, ...reasons] }, outcome, now);

/** Nodes that may serve `to`: all of the cohorts begun. */
export const switchedNodes = (state: RotationState): number =>
  state.done.switched.reduce((sum, reached, wave) => sum + (reached === 'no' ? 0 : (state.plan?.waves[wave] ?? 0)), 0);

const lineClock = (state: RotationState, now: Instant): Instant => now + state.offset;

/** Whether a rollback begun by itself now would end before the old assets die. */
export function mayTurnBack(state: RotationState, now: Instant): boolean {
  const plan = state.plan;
  return (
    plan !== null && lineClock(state, now) < lastAutomaticRollback(plan.horizon, switchedNodes(state), plan.maxUnavailable, state.policy)
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
  return move({ ...state, d: state.d + 1, turnedAt: state.turnedAt ?? state.phase, troubles: [], only: null }, 'rolling-back', now);
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
  countingApprovals(state, now).length >= state.policy.gate.approvals;

export const latestApprovalOf = (state: RotationState): Instant | null =>
  state.plan === null ? null : latestApproval(state.plan.horizon, state.plan, state.policy) - state.offset;

// --------------------------------------------------------------------------------------------------------------- events

/** Whether people are to be asked for successors now, and not only the sources looked at. */
export const mustAsk = (state: RotationState, now: Instant): boolean =>
  state.askedAt === null || now >= state.askedAt + state.policy.successor.askEvery;

/** What happened, applied. Events come from the workflow's own work; an event for work that was given up meanwhile changes nothing. */
export function apply(state: RotationState, event: RotationEvent, now: Instant): RotationState {
  switch (event.event) {
    case 'opened':
      if (state.phase !== 'scheduled') return state;
      return move({ ...state, k: event.k, id: event.id, policy: event.policy, rights: event.rights }, 'awaiting-successor', now);
    case 'successors': {
      if (state.phase !== 'awaiting-successor') return state;
      const known = {
        ...state,
        missing: event.missing,
        ignored: event.ignored,
        fingerprint: event.fingerprint,
        expiresFirst: event.expiresFirst,
      };
      if (event.missing.length === 0) return move(known, 'preflight', now);
      if (lineClock(state, now) >= event.expiresFirst) {
        return end(
          known,
          'refused',
          event.missing.map((what) => `${what}: no successor came before the old asset expired`),
          now,
        );
      }
      const { lookEvery, askEvery } = state.policy.successor;
      return { ...known, lookAgainAt: now + Math.min(lookEvery, askEvery), askedAt: mustAsk(state, now) ? now : state.askedAt };
    }
    case 'prepared':
      if (state.phase !== 'preflight') return state;
      return move(
        {
          ...state,
          plan: event.plan,
          headSeq: event.plan.fromSeq,
          done: { ...NOTHING_DONE, switched: event.plan.waves.map((): Reached => 'no') },
        },
        'staging',
        now,
      );
    case 'refused':
      return isBeforeChange(state.phase) ? end(state, 'refused', event.reasons, now) : state;
    case 'nodes-begun':
      return nodesBegun(state, event.task, event.wave);
    case 'nodes-ended':
      return nodesEnded(state, event, now);
    case 'nodes-lost':
      return nodesLost(state, event.task, event.reason, now);
    case 'gate-opened':
      return isGatePhase(state.phase) && state.gate?.kind !== gateKind(state.phase) ? openGate(state, event.rights, now) : state;
    case 'reminded':
      return state.gate === null ? state : { ...state, gate: { ...state.gate, remindAt: now + state.policy.gate.remindEvery } };
    case 'paged':
      return state.question === null
        ? state
        : { ...state, question: { ...state.question, nextPageAt: now + state.policy.escalation.pageEvery } };
    case 'head-advancing':
      return { ...state, done: { ...state.done, head: 'begun' } };
    case 'head-advanced':
      if (state.phase !== 'cutover') return state;
      return startSoak(move({ ...state, headSeq: event.seq, done: { ...state.done, head: 'done' } }, 'soaking', now), now);
    case 'head-lost': {
      if (state.phase !== 'cutover') return state;
      // Nothing of ours went to the head: there is nothing to take back from it.
      const lost = { ...state, done: { ...state.done, head: 'no' as const }, reasons: [...state.reasons, event.reason] };
      return ask(lost, { id: 'head-moved', nodes: [] }, now);
    }
    case 'head-returned':
      return state.phase === 'rolling-back' ? { ...state, headSeq: event.seq, done: undo(state.done, { do: 'return-head' }) } : state;
  }
}

const isGatePhase = (phase: Phase): boolean => phase === 'awaiting-signoff' || phase === 'awaiting-retirement';
const gateKind = (phase: Phase): Gate['kind'] => (phase === 'awaiting-retirement' ? 'retirement' : 'signoff');

function openGate(state: RotationState, rights: RotationState['rights'], now: Instant): RotationState {
  const { gate: policy, calendars } = state.policy;
  const calendar = policy.calendar === null ? undefined : calendars[policy.calendar];
  const ends = now + policy.timeout;
  return {
    ...state,
    rights,
    // An approval counts for one gate.
    approvals: [],
    gate: {
      kind: gateKind(state.phase),
      openedAt: now,
      deadline: calendar === undefined ? ends : nextOpening(calendar, ends),
      remindAt: now + policy.remindEvery,
      widenAt: now + policy.widenAfter,
      silence: 'no',
      passedAt: null,
    },
  };
}

function startSoak(state: RotationState, now: Instant): RotationState {
  return { ...state, soak: { endsAt: now + state.policy.soak.duration, nextProbeAt: now, rounds: 0 } };
}

const atLeastBegun = (reached: Reached): Reached => (reached === 'done' ? 'done' : 'begun');

/** Before the first node is touched, the furthest step begun is on the record. */
function nodesBegun(state: RotationState, task: NodeTask, wave: number | null): RotationState {
  switch (task) {
    case 'stage':
      return { ...state, done: { ...state.done, staged: atLeastBegun(state.done.staged) } };
    case 'switch':
      return {
        ...state,
        served: true,
        done: { ...state.done, switched: state.done.switched.map((reached, index) => (index === wave ? atLeastBegun(reached) : reached)) },
      };
    case 'retire':
      return { ...state, done: { ...state.done, retired: atLeastBegun(state.done.retired) } };
    case 'probe':
    case 'repair':
    case 'restore':
    case 'return':
    case 'unstage':
      return state;
  }
}

const TASK_PHASES: Readonly<Record<NodeTask, readonly Phase[]>> = {
  stage: ['staging'],
  switch: ['canary', 'rolling'],
  probe: ['soaking'],
  repair: ['soaking'],
  retire: ['retiring'],
  restore: ['rolling-back'],
  return: ['rolling-back', 'awaiting-signoff'],
  unstage: ['rolling-back'],
};

function nodesEnded(state: RotationState, ended: NodesEnded, now: Instant): RotationState {
  if (ended.d !== state.d || !TASK_PHASES[ended.task].includes(state.phase)) return state;
  // A command has put other work in its place (a repair in that of a round of probes): what comes of it now is of yesterday.
  if (state.work !== null && state.work.operation !== ended.task) return state;
  const work = state.work ?? startWork(state, ended.task, ended.wave);
  const touched = new Set<NodeName>([...ended.retried, ...ended.troubled.map((result) => result.node)]);
  const troubles: Trouble[] = [
    // A round of probes sees every node: what it does not name is well.
    ...(ended.task === 'probe' ? [] : state.troubles.filter((trouble) => !touched.has(trouble.node))),
    ...ended.troubled.map((result) => ({ node: result.node, task: ended.task, outcome: asTrouble(result), reason: result.reason })),
  ];
  const again = [...new Set([...work.again.filter((node) => !ended.retried.includes(node)), ...ended.untried])];
  const counted: RotationState = {
    ...state,
    troubles,
    work: { ...work, handled: work.handled + ended.handled, again },
    lastSwitchAt: ended.task === 'switch' || ended.task === 'repair' ? now : state.lastSwitchAt,
    lastReturnAt: ended.task === 'return' ? now : state.lastReturnAt,
  };
  return judge(counted, now);
}

/** Forward this is a failure like any other; on the way back there is nothing but to go on trying. */
function nodesLost(state: RotationState, task: NodeTask, reason: string, now: Instant): RotationState {
  if (!TASK_PHASES[task].includes(state.phase)) return state;
  const sentence = `${task} came to no end: ${reason}`;
  if (canRollBack(state.phase)) return turnBack(state, sentence, now);
  if (state.phase !== 'retiring') return state;
  return ask(
    move({ ...state, reasons: [...state.reasons, sentence], turnedAt: 'retiring' }, 'escalated', now),
    { id: 'retire-failed', nodes: [] },
    now,
  );
}

const asTrouble = (result: Pick<NodeResult, 'outcome'>): Trouble['outcome'] => (result.outcome === 'done' ? 'failed' : result.outcome);

/** The verdict on failures as soon as they are known; what is merely unfinished goes on. */
function judge(state: RotationState, now: Instant): RotationState {
  const failed = state.troubles.filter((trouble) => trouble.outcome === 'failed');
  const first = failed[0] ?? state.troubles[0];
  if (first === undefined) return state;
  const allowed = state.plan?.maxUnavailable ?? 0;
  switch (state.phase) {
    case 'staging':
      return failed.length > 0 ? turnBack(state, `staging failed on ${first.node}: ${first.reason}`, now) : state;
    case 'canary':
      return failed.length > 0 ? turnBack(state, `the canary failed on ${first.node}: ${first.reason}`, now) : state;
    case 'rolling':
    case 'soaking':
      return state.troubles.length > allowed
        ? turnBack(state, `${state.troubles.length} nodes are unhealthy, ${allowed} may be; first ${first.node}: ${first.reason}`, now)
        : state;
    default:
      return state;
  }
}

// ----------------------------------------------------------------------------------------------------------------- work

/** The positions of the cohort plan that a task covers. */
function rangeOf(plan: Plan, wave: number | null): { readonly first: number; readonly count: number } {
  if (wave === null) return { first: 0, count: plan.nodes };
  const first = plan.waves.slice(0, wave).reduce((sum, size) => sum + size, 0);
  return { first, count: plan.waves[wave] ?? 0 };
}

function startWork(state: RotationState, task: NodeTask, wave: number | null): NodeWork {
  const everything = state.plan === null ? 0 : rangeOf(state.plan, wave).count;
  return state.phase === 'rolling-back' && state.only !== null
    ? { operation: task, wave, handled: everything, again: state.only }
    : { operation: task, wave, handled: 0, again: [] };
}

/** Whether every node of the task had its turn. */
function isWorkDone(state: RotationState): boolean {
  const { work, plan } = state;
  return work !== null && plan !== null && work.again.length === 0 && work.handled >= rangeOf(plan, work.wave).count;
}

const allowance = (state: RotationState): number => (state.plan?.maxUnavailable ?? 0) - state.troubles.length;

// --------------------------------------------------------------------------------------------------------------- settle

/** Applies everything that follows from time and from what is done, until nothing does. Pure; called before every `next`. */
export function settle(state: RotationState, now: Instant): RotationState {
  for (let current = state, rounds = 0; ; rounds++) {
    const after = settleOnce(current, now);
    if (after === current) return current;
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
  if (state.question !== null) return settleQuestion(state, now);
  switch (state.phase) {
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
      return park({ ...state, question: null }, reason, now);
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
  const unclear = namesWith(state, 'inconclusive');
  const asking: Asking =
    unclear.length > 0 ? { id: 'inconclusive', nodes: unclear } : { id: 'node-offline', nodes: namesWith(state, 'unreachable') };
  return ask(state, asking, now);
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
  if (state.troubles.length > 0) return isWorkDone(state) || allowance(state) <= 0 ? askAboutTroubles(state, now) : state;
  if (!isWorkDone(state)) return state;
  const gate = state.gate === null ? null : { ...state.gate, silence: 'no' as const };
  return move(markSwitched({ ...state, gate }, 0), 'awaiting-signoff', now);
}

function settleSignoff(state: RotationState, now: Instant): RotationState {
  const { gate } = state;
  if (gate === null) return state;
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
    if (namesWith(state, 'inconclusive').length > 0) return askAboutTroubles(state, now);
    return markSwitched(state, state.work.wave);
  }
  if (wave < 0 && state.work === null) {
    if (state.troubles.length === 0) return move(state, 'cutover', now);
    return ask(state, { id: 'stalled', nodes: state.troubles.map((trouble) => trouble.node) }, now);
  }
  if (allowance(state) > 0) return state.stalledSince === null ? state : { ...state, stalledSince: null };
  if (state.stalledSince === null) return { ...state, stalledSince: now };
  if (now < state.stalledSince + state.policy.cohorts.stallTimeout) return state;
  return ask(state, { id: 'stalled', nodes: state.troubles.map((trouble) => trouble.node) }, now);
}

/** A store that does not take the new head for a while is no failure yet, and nothing to be waited for in silence. */
function settleCutover(state: RotationState, now: Instant): RotationState {
  if (state.stalledSince === null) return { ...state, stalledSince: now };
  return now < stalledUntil(state, now) ? state : ask(state, { id: 'stalled', nodes: [] }, now);
}

const stalledUntil = (state: RotationState, now: Instant): Instant => (state.stalledSince ?? now) + state.policy.cohorts.stallTimeout;

/** Builds that began before the last switch may still read `from`; without pins the longest build is waited for. */
export const buildsDrainedAt = (state: RotationState): Instant =>
  (state.lastSwitchAt ?? state.since) + state.policy.retirement.maxBuildDuration;

function settleSoak(state: RotationState, now: Instant): RotationState {
  const { soak } = state;
  if (soak === null) return startSoak(state, now);
  if (state.work !== null && isWorkDone(state)) {
    if (state.work.operation === 'repair') return { ...state, work: null, soak: { ...soak, nextProbeAt: now } };
    const probed = { ...state, work: null, soak: { ...soak, rounds: soak.rounds + 1, nextProbeAt: now + state.policy.soak.interval } };
    if (now < soak.endsAt || now < buildsDrainedAt(state)) return probed;
    // Coverage is proved by a round after the soak's end.
    if (state.troubles.length > 0) return ask(probed, { id: 'stalled', nodes: state.troubles.map((trouble) => trouble.node) }, now);
    return move(probed, state.policy.retirement.secondGate ? 'awaiting-retirement' : 'retiring', now);
  }
  return state;
}

function settleRetiring(state: RotationState, now: Instant): RotationState {
  if (!isWorkDone(state)) return state;
  if (state.troubles.length === 0) {
    return end({ ...state, done: { ...state.done, retired: 'done' } }, 'completed', [], now);
  }
  const nodes = state.troubles.map((trouble) => trouble.node);
  return ask(move({ ...state, turnedAt: 'retiring' }, 'escalated', now), { id: 'retire-failed', nodes }, now);
}

/** Whether `from` has life enough left to be the only asset on the mesh. */
export const mayUnstage = (state: RotationState, now: Instant): boolean =>
  !state.park && state.plan !== null && state.plan.horizon - lineClock(state, now) >= state.policy.rollback.minLifeAfterRollback;

const returnDrainedAt = (state: RotationState): Instant =>
  state.served ? (state.lastReturnAt ?? state.since) + state.policy.retirement.maxBuildDuration : state.since;

function settleRollback(state: RotationState, now: Instant): RotationState {
  const step = rollbackPlan(state.done)[0];
  if (step !== undefined && step.do !== 'return-head' && state.work !== null && isWorkDone(state)) {
    return { ...state, work: null, done: undo(state.done, step) };
  }
  const restored = step === undefined || step.do === 'unstage';
  if (!restored && state.plan !== null && lineClock(state, now) >= state.plan.horizon) {
    const reason = 'the old assets died before every node was back on them';
    return ask(move({ ...state, reasons: [...state.reasons, reason] }, 'escalated', now), { id: 'past-horizon', nodes: [] }, now);
  }
  const stuck = state.troubles.map((trouble) => trouble.node);
  if (restored && state.restoredAt === null && stuck.length === 0) return { ...state, restoredAt: now };
  if (step?.do === 'unstage' && !mayUnstage(state, now)) {
    return stuck.length > 0 ? escalateNotBack(state, stuck, now) : end(state, 'parked', [], now);
  }
  if (step !== undefined) return state;
  return stuck.length > 0 ? escalateNotBack(state, stuck, now) : end(state, 'rolled-back', [], now);
}

const escalateNotBack = (state: RotationState, nodes: readonly NodeName[], now: Instant): RotationState =>
  ask(move(state, 'escalated', now), { id: 'node-not-back', nodes }, now);

// ----------------------------------------------------------------------------------------------------------------- next

const wait = (until: Instant, why: string): Action => ({ do: 'wait', until, why });

/** What to do now, in a settled state. */
export function next(state: RotationState, now: Instant): Action {
  if (isTerminal(state.phase)) return { do: 'close' };
  if (state.paused !== null) return wait(state.paused.until, 'paused');
  if (state.question !== null) {
    const { question } = state;
    if (now >= question.nextPageAt) return { do: 'page' };
    return wait(Math.min(question.nextPageAt, question.deadline ?? question.nextPageAt), `the question ${question.id}`);
  }
  switch (state.phase) {
    case 'scheduled':
      return { do: 'open' };
    case 'awaiting-successor':
      return state.lookAgainAt !== null && now < state.lookAgainAt ? wait(state.lookAgainAt, 'successors') : { do: 'find-successors' };
    case 'preflight':
      return { do: 'prepare' };
    case 'staging':
      return nodes(state, 'stage', null);
    case 'canary':
      return nodes(state, 'switch', 0);
    case 'awaiting-signoff':
      return nextAtGate(state, now);
    case 'rolling':
      return nextRolling(state);
    case 'cutover':
      return { do: 'advance-head' };
    case 'soaking':
      return nextSoaking(state, now);
    case 'awaiting-retirement':
      return nextAtSecondGate(state, now);
    case 'retiring':
      return nodes(state, 'retire', null);
    case 'rolling-back':
      return nextRollback(state, now);
    case 'escalated':
      return wait(now + state.policy.escalation.pageEvery, 'people');
    default:
      return { do: 'close' };
  }
}

const UNAVAILABLE_WHILE: readonly NodeTask[] = ['switch', 'repair', 'return'];

function nodes(state: RotationState, task: NodeTask, wave: number | null): Action {
  const { plan } = state;
  if (plan === null) throw new Error(`no plan in ${state.phase}`);
  const work = state.work ?? startWork(state, task, wave);
  const range = rangeOf(plan, work.wave);
  const inFlight = !UNAVAILABLE_WHILE.includes(task) ? null : task === 'return' ? plan.maxUnavailable : allowance(state);
  return {
    do: 'nodes',
    task,
    wave: work.wave,
    first: range.first + work.handled,
    count: range.count - work.handled,
    again: work.again,
    // What could not be returned to `from` still needs `to`.
    except: task === 'unstage' ? state.troubles.map((trouble) => trouble.node) : [],
    inFlight,
    stopAtFirst: state.phase === 'canary',
  };
}

function nextAtGate(state: RotationState, now: Instant): Action {
  const { gate } = state;
  if (gate === null) return { do: 'open-gate' };
  if (gate.silence === 'returning') return nodes(state, 'return', 0);
  if (now >= gate.remindAt) return { do: 'remind', widened: now >= gate.widenAt };
  const latest = latestApprovalOf(state) ?? gate.remindAt;
  const expiries = countingApprovals(state, now).map((approval) => approval.at + state.policy.gate.approvalValid + 1);
  const deadline = gate.silence === 'no' ? [gate.deadline] : [];
  return wait(Math.min(gate.remindAt, latest, ...deadline, ...expiries), 'signoff');
}

function nextAtSecondGate(state: RotationState, now: Instant): Action {
  const { gate, plan } = state;
  if (gate?.kind !== 'retirement') return { do: 'open-gate' };
  if (now >= gate.remindAt) return { do: 'remind', widened: now >= gate.widenAt };
  return wait(Math.min(gate.remindAt, (plan?.horizon ?? now) - state.offset), 'signoff of the retirement');
}

function nextRolling(state: RotationState): Action {
  if (allowance(state) <= 0) {
    return wait((state.stalledSince ?? 0) + state.policy.cohorts.stallTimeout, 'nodes that may be switched');
  }
  const wave = state.done.switched.findIndex((reached) => reached !== 'done');
  return nodes(state, 'switch', state.work?.wave ?? (wave < 0 ? null : wave));
}

function nextSoaking(state: RotationState, now: Instant): Action {
  if (state.work !== null) return nodes(state, state.work.operation, null);
  const { soak } = state;
  if (soak === null || now >= soak.nextProbeAt) return nodes(state, 'probe', null);
  const ends = Math.max(soak.endsAt, buildsDrainedAt(state));
  // The round that ends the soak comes right at its end.
  return now < ends ? wait(Math.min(soak.nextProbeAt, ends), 'the soak') : nodes(state, 'probe', null);
}

function nextRollback(state: RotationState, now: Instant): Action {
  const step = rollbackPlan(state.done)[0];
  if (step === undefined) return { do: 'close' };
  switch (step.do) {
    case 'return-head':
      return { do: 'return-head' };
    case 'restore':
      return nodes(state, 'restore', null);
    case 'return':
      return nodes(state, 'return', step.wave);
    case 'unstage': {
      const drained = returnDrainedAt(state);
      return now < drained ? wait(drained, 'builds that still use the new assets') : nodes(state, 'unstage', null);
    }
  }
}

/** When time alone ends the wait for the line's head to move. */
export function wakeAt(state: RotationState, now: Instant): Instant | null {
  if (state.phase === 'cutover') return stalledUntil(state, now);
  const horizon = state.plan === null ? null : state.plan.horizon - state.offset;
  return horizon === null || horizon <= now ? null : horizon;
}

/** Whether an action under way is still the right one: the same kind of work in the same place. */
export function isSameWork(a: Action, b: Action): boolean {
  if (a.do === 'nodes' && b.do === 'nodes') return a.task === b.task && a.wave === b.wave;
  return a.do === b.do && a.do !== 'wait';
}
