import type { Instant, NodeName } from '../brands.js';
import { countingApprovals, latestApprovalOf } from './moves.js';
import { leftOut } from './exclusions.js';
import { isTerminal } from './phases.js';
import { rollbackPlan } from './rollback.js';
import { buildsDrainedAt, judgePins, ordersOf, returnDrainedAt } from './pins.js';
import { stalledUntil } from './settle.js';
import { replaceable } from './stand-ins.js';
import type { NodeTask, RotationPins, RotationState } from './state.js';
import { allowance, hadItsTurn, rangeOf, startWork } from './work.js';

/** What the workflow does next. One at a time; it is given up as soon as `next` answers otherwise. */
export type Action =
  | { readonly do: 'open' }
  | { readonly do: 'find-successors' }
  | { readonly do: 'prepare' }
  | NodesAction
  /** Another signer is looked for, to have the place of `node` in the canary. */
  | { readonly do: 'stand-in'; readonly node: NodeName }
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
  /** What a node does that is told to let a manifest go which a build there holds. */
  readonly pins: RotationPins['orders'];
}

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
      return state.plan === null ? { do: 'prepare' } : nextBeforeGate(state, now, null);
    case 'staging':
      return nodes(state, 'stage', null);
    case 'canary': {
      const locked = replaceable(state);
      return locked === null ? nodes(state, 'switch', 0) : { do: 'stand-in', node: locked.node };
    }
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
      return nextRemoval(state, now, 'retire');
    case 'rolling-back':
      return nextRollback(state, now);
    case 'escalated':
      return wait(now + state.policy.escalation.pageEvery, 'people');
    default:
      return { do: 'close' };
  }
}

const UNAVAILABLE_WHILE: readonly NodeTask[] = ['switch', 'repair', 'return'];

function nodes(state: RotationState, task: NodeTask, wave: number | null, pins: RotationPins['orders'] = 'heed'): Action {
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
    except: [...leftOut(state, task), ...(task === 'unstage' ? state.troubles.map((trouble) => trouble.node) : [])],
    inFlight,
    stopAtFirst: state.phase === 'canary',
    pins,
  };
}

function nextAtGate(state: RotationState, now: Instant): Action {
  const { gate } = state;
  if (gate === null) return nextBeforeGate(state, now, latestApprovalOf(state));
  if (gate.silence === 'returning') return nodes(state, 'return', 0);
  if (now >= gate.remindAt) return { do: 'remind', widened: now >= gate.widenAt };
  const latest = latestApprovalOf(state) ?? gate.remindAt;
  const expiries = countingApprovals(state, now).map((approval) => approval.at + state.policy.gate.approvalValid + 1);
  const deadline = gate.silence === 'no' ? [gate.deadline] : [];
  return wait(Math.min(gate.remindAt, latest, ...deadline, ...expiries), 'signoff');
}

/** @param latest when there is nothing left to open it for */
function nextBeforeGate({ awaitedRoster }: RotationState, now: Instant, latest: Instant | null): Action {
  if (!awaitedRoster) return { do: 'open-gate' };
  if (now >= awaitedRoster.tellAt) return { do: 'remind', widened: false };
  if (now >= awaitedRoster.lookAgainAt) return { do: 'open-gate' };
  return wait(
    Math.min(awaitedRoster.lookAgainAt, awaitedRoster.tellAt, latest ?? awaitedRoster.lookAgainAt),
    'a roster that people have adopted',
  );
}

function nextAtSecondGate(state: RotationState, now: Instant): Action {
  const { gate, plan } = state;
  if (gate?.kind !== 'retirement') return nextBeforeGate(state, now, plan === null ? null : plan.horizon - state.offset);
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
  const verdict = judgePins(state, now);
  if (now >= ends && verdict.pins === 'held' && soak.rounds > 0)
    return wait(Math.min(soak.nextProbeAt, verdict.until), 'builds that still use the old assets');
  // The round that ends the soak comes right at its end.
  return now < ends ? wait(Math.min(soak.nextProbeAt, ends), 'the soak') : nodes(state, 'probe', null);
}

/** Nodes whose builds hold what is to go are asked again after a while; in between nothing else is due. */
function nextRemoval(state: RotationState, now: Instant, task: 'retire' | 'unstage'): Action {
  const { pins } = state;
  const verdict = judgePins(state, now);
  if (pins && hadItsTurn(state) && verdict.pins === 'held' && now < pins.lookAgainAt)
    return wait(Math.min(pins.lookAgainAt, verdict.until), 'builds that hold what is to go');
  return nodes(state, task, null, ordersOf(state, now));
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
      return now < drained ? wait(drained, 'builds that still use the new assets') : nextRemoval(state, now, 'unstage');
    }
  }
}

/** When time alone ends the wait for the line's head to move. */
export function wakeAt(state: RotationState, now: Instant): Instant | null {
  if (state.phase === 'cutover') return stalledUntil(state, now);
  if (state.phase === 'rolling-back' && state.done.head !== 'put-off') return now + state.policy.rollback.headTime;
  const horizon = state.plan === null ? null : state.plan.horizon - state.offset;
  return horizon === null || horizon <= now ? null : horizon;
}

/** Whether an action under way is still the right one: the same kind of work in the same place. */
export function isSameWork(a: Action, b: Action): boolean {
  if (a.do === 'nodes' && b.do === 'nodes') return a.task === b.task && a.wave === b.wave;
  return a.do === b.do && a.do !== 'wait';
}
