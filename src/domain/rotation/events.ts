import type { Uncounted } from '../adopted-rosters.js';
import type { Duration, Instant, NodeName, PersonId, RotationId, Sha256 } from '../brands.js';
import type { NodeResult } from '../node/report.js';
import type { Policy } from '../policy.js';
import { nextOpening } from '../calendar.js';
import { approvalsNeeded, gateOf, isEmergency, mustNotDecide, planIn } from './emergency.js';
import { NOTHING_DONE, end, lineClock, move, switchedNodes, turnBack } from './moves.js';
import { leftOut } from './exclusions.js';
import { canRollBack, isBeforeChange, type Phase } from './phases.js';
import { seenInRemoval, seenInSoak, type PinsLook } from './pins.js';
import { ask, pageEvery } from './questions.js';
import { undo } from './rollback.js';
import { standIn, type StandInFound } from './stand-ins.js';
import {
  epochOf,
  type Authority,
  type CanaryReport,
  type Gate,
  type NodeTask,
  type Plan,
  type Reached,
  type RotationState,
  type Trouble,
} from './state.js';
import { startWork } from './work.js';

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
  /** Nodes that keep what was to go, for builds there hold it. */
  readonly pinned?: readonly NodeName[];
  /** What was seen of pins: after probes of every node, else of the pinned ones. Missing: nobody looked. */
  readonly pins?: PinsLook;
}

export type RotationEvent =
  | {
      readonly event: 'opened';
      readonly k: number;
      readonly id: RotationId;
      readonly policy: Policy;
      readonly rights: RotationState['rights'];
      readonly authority: Authority;
      /** The signed statement that asked for it; null: nobody signed. */
      readonly heard: RotationState['heard'][number] | null;
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
  /** Another signer was looked for, since a keychain of `node` stayed locked. */
  | { readonly event: 'stand-in'; readonly node: NodeName; readonly found: StandInFound }
  | ({ readonly event: 'gate-opened' } & GateOpening)
  | { readonly event: 'reminded' }
  | { readonly event: 'paged' }
  | { readonly event: 'head-advancing' }
  | { readonly event: 'head-advanced'; readonly seq: number }
  /** `found`: where the head is now; null: nowhere. */
  | { readonly event: 'head-lost'; readonly reason: string; readonly found: { readonly seq: number; readonly digest: Sha256 } | null }
  | { readonly event: 'head-returned'; readonly seq: number }
  /** The store did not take the head back within `rollback.headTime`. */
  | { readonly event: 'head-put-off' };

/** What a gate is opened with: the roster as it is now, and what has been seen so far. */
export interface GateOpening extends Pick<Gate, 'nonce' | 'roster' | 'canaryReport' | 'canary'> {
  readonly rights: RotationState['rights'];
  readonly keys: Authority['keys'];
  readonly assurance: Authority['assurance'];
  /** Missing where an earlier version looked. */
  readonly adoption?: RosterAtGate;
}

/** How the roster of a gate stands with those that people have adopted. */
export interface RosterAtGate {
  /** Why nothing passes with it, in words that end a sentence; null: it may. */
  readonly reason: string | null;
  readonly uncounted: readonly Uncounted[];
}

/** How soon it is looked again whether people have adopted the roster that a gate waits for: soon at first, when somebody may be at it. In milliseconds. */
const lookAfter = (waited: Duration): Duration => Math.min(300_000, Math.max(5_000, waited / 4));

/** How soon people are told again that a gate does not open. */
const tellEvery = (state: RotationState): Duration =>
  isEmergency(state) ? state.policy.escalation.pageEvery : state.policy.gate.remindEvery;

/** What a node says may hold half of a surrogate pair, of which no digest can be made. */
const wellFormed = (text: string): string => text.replace(/\p{Surrogate}/gu, '\ufffd');

/** What has been seen before the gate that opens next. */
export function canaryReportOf(state: RotationState): CanaryReport {
  return {
    rotation: state.id,
    epoch: epochOf(state),
    nodes: switchedNodes(state),
    passes: state.policy.probe.passes,
    lastSwitchAt: state.lastSwitchAt === null ? null : new Date(state.lastSwitchAt).toISOString(),
    standIns: (state.standIns ?? []).map(({ node, by, reason }) => ({ node, by, reason: wellFormed(reason) })),
    troubles: state.troubles.map(({ node, outcome, reason }) => ({ node, outcome, reason: wellFormed(reason) })),
    ...(state.excluded === undefined
      ? {}
      : { excluded: state.excluded.map(({ node, trouble }) => ({ node, reason: wellFormed(trouble) })) }),
  };
}

/** Whether people are to be asked for successors now, and not only the sources looked at. */
export const mustAsk = (state: RotationState, now: Instant): boolean =>
  state.askedAt === null || now >= state.askedAt + state.policy.successor.askEvery;

/** What happened, applied. Events come from the workflow's own work; an event for work that was given up meanwhile changes nothing. */
export function apply(state: RotationState, event: RotationEvent, now: Instant): RotationState {
  switch (event.event) {
    case 'opened':
      if (state.phase !== 'scheduled') return state;
      return move(opened(state, event), 'awaiting-successor', now);
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
      // What was revoked is dead already: its successor is waited for all the same.
      if (!isEmergency(state) && lineClock(state, now) >= event.expiresFirst) {
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
    case 'prepared': {
      if (state.phase !== 'preflight') return state;
      const prepared: RotationState = {
        ...state,
        plan: planIn(state, event.plan),
        headSeq: event.plan.fromSeq,
        done: { ...NOTHING_DONE, switched: event.plan.waves.map((): Reached => 'no') },
      };
      // The gate of an emergency comes before any node is changed.
      return isEmergency(state) ? prepared : move(prepared, 'staging', now);
    }
    case 'refused':
      return isBeforeChange(state.phase) ? end(state, 'refused', event.reasons, now) : state;
    case 'nodes-begun':
      return nodesBegun(state, event.task, event.wave);
    case 'nodes-ended':
      return nodesEnded(state, event, now);
    case 'nodes-lost':
      return nodesLost(state, event.task, event.reason, now);
    case 'stand-in':
      return standIn(state, event.node, event.found, now);
    case 'gate-opened':
      return gateOf(state) !== null && state.gate?.kind !== gateOf(state) ? openGate(state, event, now) : state;
    case 'reminded':
      if (state.awaitedRoster) return { ...state, awaitedRoster: { ...state.awaitedRoster, tellAt: now + tellEvery(state) } };
      return state.gate === null ? state : { ...state, gate: { ...state.gate, remindAt: now + state.policy.gate.remindEvery } };
    case 'paged':
      return state.question === null
        ? state
        : { ...state, question: { ...state.question, nextPageAt: now + pageEvery(state.question.id, state.policy) } };
    case 'head-advancing':
      return { ...state, done: { ...state.done, head: 'begun' } };
    case 'head-advanced':
      if (state.phase !== 'cutover') return state;
      return startSoak(move({ ...state, headSeq: event.seq, done: { ...state.done, head: 'done' } }, 'soaking', now), now);
    case 'head-lost': {
      if (state.phase !== 'cutover') return state;
      // A head that went back late, when nobody waited for it any more, is where it was to be, with another number: this is tried again with that one.
      // Only from here: whatever was asked before carries the old number, and loses.
      if (event.found !== null && event.found.digest === state.plan?.from && event.found.seq > state.headSeq)
        return { ...state, headSeq: event.found.seq, done: { ...state.done, head: 'no' } };
      // Nothing of ours went to the head: there is nothing to take back from it.
      const lost = { ...state, done: { ...state.done, head: 'no' as const }, reasons: [...state.reasons, event.reason] };
      // With no way back, and somebody else's manifest in force, only people can tell what is to come into force.
      if (isEmergency(state)) return ask(move({ ...lost, turnedAt: 'cutover' }, 'escalated', now), { id: 'head-moved', nodes: [] }, now);
      return ask(lost, { id: 'head-moved', nodes: [] }, now);
    }
    case 'head-returned':
      return state.phase === 'rolling-back' ? { ...state, headSeq: event.seq, done: undo(state.done, { do: 'return-head' }) } : state;
    case 'head-put-off':
      return state.phase === 'rolling-back' && state.done.head !== 'no' ? { ...state, done: { ...state.done, head: 'put-off' } } : state;
  }
}

const opened = (
  state: RotationState,
  { k, id, policy, rights, authority, heard }: RotationEvent & { readonly event: 'opened' },
): RotationState => ({ ...state, k, id, policy, rights, authority, heard: heard === null ? [] : [heard] });

function openGate(state: RotationState, opening: GateOpening, now: Instant): RotationState {
  const { rights, keys, nonce, roster, canaryReport, canary, adoption } = opening;
  // A node that is not simulated any more asks for signatures from now on; never the other way round within one rotation.
  const assurance = state.authority.assurance === 'signature' ? 'signature' : opening.assurance;
  const authority = { ...state.authority, keys, assurance };
  const plan = withEligible({ ...state, authority }, rights);
  // Leaving nodes out lets a rotation go on as well.
  const matters = (person: PersonId): boolean => plan?.eligible.includes(person) === true || rights[person]?.includes('exclude') === true;
  const uncounted = (adoption?.uncounted ?? []).filter(({ person }) => matters(person));
  const counting = without(plan, uncounted);
  const missed = uncounted.filter(({ person }) => plan?.eligible.includes(person) === true);
  const reason = adoption?.reason ?? tooFew(counting, missed, approvalsNeeded(state));
  if (reason !== null) return awaitRoster(state, reason, now);
  const { gate: policy, calendars } = state.policy;
  const calendar = policy.calendar === null ? undefined : calendars[policy.calendar];
  const ends = isEmergency(state) ? now : now + policy.timeout;
  return {
    ...state,
    rights,
    authority,
    plan: counting,
    awaitedRoster: null,
    ...(state.exclusionsAsked === undefined ? {} : { exclusionsAsked: [] }),
    // An approval counts for one gate, and so does what somebody has asked to leave out.
    approvals: [],
    gate: {
      kind: gateOf(state) ?? 'signoff',
      nonce,
      roster,
      canaryReport,
      canary,
      openedAt: now,
      deadline: calendar === undefined || isEmergency(state) ? ends : nextOpening(calendar, ends),
      remindAt: now + policy.remindEvery,
      widenAt: now + policy.widenAfter,
      silence: 'no',
      passedAt: null,
      ...(uncounted.length === 0 ? {} : { uncounted }),
    },
  };
}

/** The gate stays shut, in plain sight, until people have mended it; everything that leads back is open meanwhile. */
function awaitRoster(state: RotationState, reason: string, now: Instant): RotationState {
  const before = state.awaitedRoster ?? { since: now, tellAt: isEmergency(state) ? now : now + state.policy.gate.remindEvery };
  return { ...state, awaitedRoster: { ...before, reason, lookAgainAt: now + lookAfter(now - before.since) } };
}

/** Who edited the roster alone, and whom that edit added, decide on nothing. */
function without(plan: Plan | null, uncounted: readonly Uncounted[]): Plan | null {
  const out = uncounted.flatMap(({ person, keys }) => (keys === null ? [person] : []));
  return plan === null || out.length === 0 ? plan : { ...plan, eligible: plan.eligible.filter((person) => !out.includes(person)) };
}

/** A gate that cannot be passed by those who are left would only run out of time; a second person who adopts the roster opens it. */
function tooFew(plan: Plan | null, uncounted: readonly Uncounted[], needed: number): string | null {
  const out = uncounted.filter(({ keys }) => keys === null);
  if (out.length === 0 || plan === null || plan.eligible.length >= needed) return null;
  const who = [...new Map(out.map(({ person, because }) => [person, `${person} ${because}`])).values()].join('; ');
  const left = plan.eligible.length === 0 ? 'nobody' : `only ${plan.eligible.join(', ')}`;
  return `${needed} approvals are needed and ${left} may give one (not: ${who}); a second person adopts it: reseal roster adopt --as PERSON --ticket TICKET`;
}

/** The roster counts as it is when a gate opens: who became an approver since preflight may approve, who ceased to be one may not. */
function withEligible(state: RotationState, rights: RotationState['rights']): Plan | null {
  const { plan, authority } = state;
  if (plan === null) return plan;
  const { importers } = plan;
  const canSay = (person: PersonId): boolean => authority.assurance === 'name' || (authority.keys[person] ?? []).length > 0;
  const eligible = (Object.keys(rights) as PersonId[]).filter(
    (person) =>
      rights[person]?.includes('approve') === true && !mustNotDecide(state, person) && !importers.includes(person) && canSay(person),
  );
  const same = eligible.length === plan.eligible.length && eligible.every((person) => plan.eligible.includes(person));
  return same ? plan : { ...plan, eligible };
}

/** The soak of an emergency has no length: one round of probes proves that every node serves the new assets. */
export function startSoak(state: RotationState, now: Instant): RotationState {
  return { ...state, soak: { endsAt: now + (isEmergency(state) ? 0 : state.policy.soak.duration), nextProbeAt: now, rounds: 0 } };
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
  // Whoever was left out meanwhile is in nobody's way, whatever came of it.
  const out = new Set(leftOut(state, ended.task));
  const touched = new Set<NodeName>([...ended.retried, ...ended.troubled.map((result) => result.node), ...(ended.pinned ?? [])]);
  const troubles: Trouble[] = [
    // A round of probes sees every node: what it does not name is well.
    ...(ended.task === 'probe' ? [] : state.troubles.filter((trouble) => !touched.has(trouble.node))),
    ...ended.troubled.filter(({ node }) => !out.has(node)).map((result) => asTrouble(result, ended.task)),
  ];
  const pinned = ended.pinned ?? [];
  const again = [...new Set([...work.again.filter((node) => !ended.retried.includes(node)), ...ended.untried, ...pinned])];
  const counted: RotationState = {
    ...state,
    troubles,
    work: { ...work, handled: work.handled + ended.handled, again: again.filter((node) => !out.has(node)) },
    lastSwitchAt: ended.task === 'switch' || ended.task === 'repair' ? now : state.lastSwitchAt,
    lastReturnAt: ended.task === 'return' ? now : state.lastReturnAt,
    ...pinsAfter(state, ended, now),
  };
  return judge(counted, now);
}

function pinsAfter(state: RotationState, { task, pins }: NodesEnded, now: Instant): Pick<RotationState, 'pins'> {
  if (task === 'probe') return pins === undefined ? {} : { pins: seenInSoak(state, pins, now) };
  if (task !== 'retire' && task !== 'unstage') return {};
  return { pins: seenInRemoval(state, pins ?? null, now) };
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

const asTrouble = ({ node, outcome, reason, locked }: NodesEnded['troubled'][number], task: NodeTask): Trouble => ({
  node,
  task,
  outcome: outcome === 'done' || outcome === 'pinned' ? 'failed' : outcome,
  reason,
  ...(locked === undefined ? {} : { locked }),
});

/** The verdict on failures as soon as they are known; what is merely unfinished goes on. */
function judge(state: RotationState, now: Instant): RotationState {
  const failed = state.troubles.filter((trouble) => trouble.outcome === 'failed');
  const first = failed[0] ?? state.troubles[0];
  if (first === undefined) return state;
  const allowed = state.plan?.maxUnavailable ?? 0;
  // Nothing turns an emergency back: when a task is through, nodes in trouble have another turn, and then people are asked.
  if (isEmergency(state)) return state;
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
