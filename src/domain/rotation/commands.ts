import type { Instant, NodeName, PersonId, Sha256 } from '../brands.js';
import type { ErrorCode } from '../errors.js';
import type { RosterCommand } from '../roster.js';
import { canRollBack, isBeforeChange, isTerminal, type Phase } from './phases.js';
import { enoughApprovals, gatePassed, latestApprovalOf, move, startRollback } from './machine.js';
import type { Done, QuestionOption, RotationState } from './state.js';
import { lastAutomaticRollback } from './timeline.js';

interface Said {
  readonly by: PersonId;
  readonly ticket: string;
}

/** What an operator may say to a rotation. Every one carries who says it and the ticket. */
export type Command =
  | (Said & { readonly command: 'approve'; readonly digest: Sha256 })
  | (Said & { readonly command: 'reject'; readonly reason?: string })
  | (Said & { readonly command: 'withdraw' })
  | (Said & { readonly command: 'pause' })
  | (Said & { readonly command: 'resume' })
  | (Said & { readonly command: 'cancel'; readonly reason?: string })
  | (Said & { readonly command: 'rollback'; readonly reason?: string })
  | (Said & { readonly command: 'answer'; readonly question: string; readonly option: string; readonly digest?: Sha256 })
  | (Said & { readonly command: 'close'; readonly as: 'partial' })
  | (Said & { readonly command: 'retry'; readonly nodes: readonly NodeName[] });
export type CommandName = Command['command'];

export type Decision =
  | { readonly accepted: true }
  | { readonly accepted: false; readonly code: ErrorCode; readonly reason: string; readonly legal: readonly CommandName[] };

const YES: Decision = { accepted: true };

/** Where nodes in trouble get another turn. */
const CAN_RETRY: readonly Phase[] = ['staging', 'canary', 'rolling', 'soaking'];

/** Commands that have a meaning in the present phase, for the sentence of a refusal and for the status. */
export function legalCommands(state: RotationState): readonly CommandName[] {
  if (isTerminal(state.phase)) return [];
  const legal: CommandName[] = [];
  const { phase } = state;
  // Before the gate is open nobody could count what is said, and opening it would wipe it out.
  const open =
    (phase === 'awaiting-signoff' && state.gate?.kind === 'signoff') ||
    (phase === 'awaiting-retirement' && state.gate?.kind === 'retirement');
  // A withdrawn approval can be replaced; nothing else but a rollback goes on from there.
  if (open || state.paused?.because === 'withdrawn') legal.push('approve');
  if (open && phase === 'awaiting-signoff') legal.push('reject');
  if (
    state.approvals.length > 0 &&
    (phase === 'awaiting-signoff' || phase === 'awaiting-retirement' || phase === 'canary' || phase === 'rolling')
  )
    legal.push('withdraw');
  if (canRollBack(phase)) legal.push(state.paused === null ? 'pause' : 'resume');
  if (isBeforeChange(phase) || canRollBack(phase) || phase === 'retiring') legal.push('cancel');
  if (canRollBack(phase) || phase === 'retiring' || phase === 'escalated') legal.push('rollback');
  if (state.question !== null) legal.push('answer');
  if (phase === 'escalated') legal.push('close');
  const mayRetry = CAN_RETRY.includes(phase) || (phase === 'escalated' && state.question?.id !== 'past-horizon');
  if (state.troubles.length > 0 && mayRetry) legal.push('retry');
  return legal;
}

const RIGHT: Readonly<Record<CommandName, RosterCommand>> = {
  approve: 'approve',
  reject: 'reject',
  withdraw: 'withdraw',
  pause: 'pause',
  resume: 'resume',
  cancel: 'cancel',
  rollback: 'rollback',
  answer: 'answer',
  close: 'close',
  retry: 'retry',
};

/** Whether a command is accepted now. Pure and synchronous: Temporal asks it before anything is written to history. */
export function decide(state: RotationState, command: Command, now: Instant): Decision {
  const refuse = (code: ErrorCode, reason: string): Decision => ({ accepted: false, code, reason, legal: legalCommands(state) });
  const guards: (() => Decision | null)[] = [
    () =>
      legalCommands(state).includes(command.command)
        ? null
        : refuse('ILLEGAL_COMMAND', `${command.command} has no meaning while the rotation is ${phrase(state)}`),
    () => shapeGuard(command, refuse),
    () => ticketGuard(state, command, refuse),
    () => rightGuard(state, command, refuse),
    () => contentGuard(state, command, now, refuse),
  ];
  for (const guard of guards) {
    const decision = guard();
    if (decision !== null) return decision;
  }
  return YES;
}

type Refuse = (code: ErrorCode, reason: string) => Decision;

const phrase = (state: RotationState): string => (state.paused === null ? state.phase : `${state.phase} and paused`);

/** The longest reason: it travels with the rotation's state. */
const LONGEST_REASON = 1_000;

/** Commands come from any client of Temporal: what TypeScript promises, nobody has checked. */
function shapeGuard(command: Command, refuse: Refuse): Decision | null {
  if ('reason' in command && (typeof command.reason !== 'string' || command.reason.length > LONGEST_REASON)) {
    return refuse('USAGE', `a reason is a text of at most ${LONGEST_REASON} characters`);
  }
  if (command.command === 'retry' && !Array.isArray(command.nodes)) return refuse('USAGE', 'retry takes the names of nodes');
  return null;
}

function ticketGuard(state: RotationState, command: Command, refuse: Refuse): Decision | null {
  if (!new RegExp(state.policy.tickets.pattern).test(command.ticket)) {
    return refuse('WRONG_TICKET', `${JSON.stringify(command.ticket)} is no ticket id; expected ${state.policy.tickets.pattern}`);
  }
  const binds =
    command.command === 'approve' || command.command === 'reject' || command.command === 'withdraw' || command.command === 'answer';
  const scheduledOnly = command.command === 'answer' && command.option !== 'approve' && command.option !== 'reject';
  return binds && !scheduledOnly && command.ticket !== state.trigger.ticket
    ? refuse('WRONG_TICKET', `this rotation runs under ${state.trigger.ticket}, not ${command.ticket}`)
    : null;
}

function rightGuard(state: RotationState, command: Command, refuse: Refuse): Decision | null {
  const needed: RosterCommand = command.command === 'answer' && isApproval(command.option) ? command.option : RIGHT[command.command];
  // An approval may be taken back by whoever gave it.
  if (command.command === 'withdraw' && state.approvals.some((approval) => approval.person === command.by)) return null;
  const rights = state.rights[command.by];
  if (rights === undefined) return refuse('NOT_ENTITLED', `${command.by} is not on the roster`);
  return rights.includes(needed) ? null : refuse('NOT_ENTITLED', `the roster does not let ${command.by} ${needed}`);
}

const isApproval = (option: string): option is 'approve' | 'reject' => option === 'approve' || option === 'reject';

function contentGuard(state: RotationState, command: Command, now: Instant, refuse: Refuse): Decision | null {
  switch (command.command) {
    case 'approve':
      return approvalGuard(state, command.by, command.digest, now, refuse);
    case 'reject':
      return eligibleGuard(state, command.by, refuse);
    case 'withdraw':
      return state.approvals.some((approval) => approval.person === command.by)
        ? null
        : refuse('ILLEGAL_COMMAND', `${command.by} has given no approval to withdraw`);
    case 'resume':
      return state.paused?.because === 'withdrawn' && !enoughApprovals(state, now)
        ? refuse('ILLEGAL_COMMAND', 'an approval was withdrawn: the rotation goes on only by a rollback')
        : null;
    case 'rollback':
      return rollbackGuard(state, now, refuse);
    case 'answer':
      return answerGuard(state, command, now, refuse);
    case 'retry': {
      const unknown = command.nodes.filter((node) => !state.troubles.some((trouble) => trouble.node === node));
      if (command.nodes.length === 0) return refuse('USAGE', 'name the nodes to retry');
      return unknown.length > 0 ? refuse('NOT_FOUND', `not in trouble, so not to be retried: ${unknown.join(', ')}`) : null;
    }
    case 'pause':
    case 'cancel':
    case 'close':
      return null;
  }
}

function eligibleGuard(state: RotationState, person: PersonId, refuse: Refuse): Decision | null {
  if (person === state.trigger.by) return refuse('NOT_ENTITLED', `${person} asked for this rotation and may not decide on it`);
  if (state.plan?.eligible.includes(person) === true) return null;
  return refuse(
    'NOT_ENTITLED',
    `${person} is not eligible for this rotation: requester, importer of a successor and whoever froze the manifest may not approve it`,
  );
}

function approvalGuard(state: RotationState, person: PersonId, digest: Sha256 | undefined, now: Instant, refuse: Refuse): Decision | null {
  const ineligible = eligibleGuard(state, person, refuse);
  if (ineligible !== null) return ineligible;
  if (digest !== state.plan?.to) {
    return refuse(
      'WRONG_DIGEST',
      `what is to be approved is ${state.plan?.to ?? 'not frozen yet'}, the approval names ${digest ?? 'no digest'}`,
    );
  }
  const standing = state.approvals.some((approval) => approval.person === person && now - approval.at <= state.policy.gate.approvalValid);
  return standing ? refuse('ALREADY_DECIDED', `${person} has approved already; approvals count by person`) : null;
}

function rollbackGuard(state: RotationState, now: Instant, refuse: Refuse): Decision | null {
  const { plan } = state;
  if (plan === null) return refuse('ILLEGAL_COMMAND', 'no node was changed yet: cancel it instead');
  const clock = now + state.offset;
  if (clock >= plan.horizon) {
    return refuse(
      'PAST_HORIZON',
      `the old assets died at ${new Date(plan.horizon).toISOString()}: a mesh is never returned to an asset that cannot sign`,
    );
  }
  return null;
}

function answerGuard(state: RotationState, answer: Command & { command: 'answer' }, now: Instant, refuse: Refuse): Decision | null {
  const { question } = state;
  if (question === null || question.id !== answer.question) {
    return refuse(
      'ILLEGAL_COMMAND',
      question === null ? 'no question is open' : `the open question is ${question.id}, not ${answer.question}`,
    );
  }
  if (!(question.options as readonly string[]).includes(answer.option)) {
    return refuse('ILLEGAL_COMMAND', `${question.id} is answered by ${question.options.join(', ')}, not by ${answer.option}`);
  }
  if (answer.option === 'approve') return approvalGuard(state, answer.by, answer.digest, now, refuse);
  if (answer.option === 'reject') return eligibleGuard(state, answer.by, refuse);
  return answer.option === 'rollback' ? rollbackGuard(state, now, refuse) : null;
}

/** The state after an accepted command. */
export function obey(state: RotationState, command: Command, now: Instant): RotationState {
  switch (command.command) {
    case 'approve':
      return approve(state, command.by, command.digest, command.ticket, now);
    case 'reject':
      return reject(state, command.by, command.reason, now);
    case 'withdraw':
      return withdraw(state, command.by, now);
    case 'pause':
      return { ...state, paused: { by: command.by, since: now, until: latestResume(state, now), because: 'command' } };
    case 'resume':
      return { ...state, paused: null };
    case 'cancel':
      return cancel(state, `cancelled by ${command.by}${because(command.reason)}`, now);
    case 'rollback':
      return rollback(reasoned(state, `rollback asked for by ${command.by}${because(command.reason)}`), now);
    case 'answer':
      return answer(state, command, now);
    case 'close':
      return move(reasoned(state, `closed as partial by ${command.by} (${command.ticket})`), 'partial', now);
    case 'retry':
      return retry(state, command.nodes, now);
  }
}

const because = (reason: string | undefined): string => (reason === undefined || reason === '' ? '' : `: ${reason}`);
const reasoned = (state: RotationState, reason: string): RotationState => ({ ...state, reasons: [...state.reasons, reason] });

function approve(state: RotationState, person: PersonId, digest: Sha256, ticket: string, now: Instant): RotationState {
  const others = state.approvals.filter((approval) => approval.person !== person);
  return { ...state, approvals: [...others, { person, digest, ticket, at: now, assurance: 'asserted' }] };
}

const reject = (state: RotationState, person: PersonId, reason: string | undefined, now: Instant): RotationState =>
  startRollback(reasoned(state, `rejected by ${person}${because(reason)}`), now);

/** Before the gate has passed this subtracts; after it, the rotation pauses and only enough approvals or a rollback go on. */
function withdraw(state: RotationState, person: PersonId, now: Instant): RotationState {
  const left = { ...state, approvals: state.approvals.filter((approval) => approval.person !== person) };
  if (!gatePassed(state) || enoughApprovals(left, now) || state.phase !== 'rolling') return left;
  return { ...left, paused: { by: person, since: now, until: latestResume(state, now), because: 'withdrawn' } };
}

/** The latest safe time to go on: all that is left, and a rollback, still fit before the horizon. */
export function latestResume(state: RotationState, now: Instant): Instant {
  const { plan } = state;
  if (plan === null) return now;
  const latest =
    state.phase === 'staging' || state.phase === 'canary' || state.phase === 'awaiting-signoff'
      ? (latestApprovalOf(state) ?? now)
      : lastAutomaticRollback(plan.horizon, plan.nodes, plan.maxUnavailable, state.policy) -
        state.policy.rollback.safetyMargin -
        state.offset;
  return Math.max(now, latest);
}

/** Ends the rotation: at once before a node was changed, by an ordered rollback after that, by stopping and asking in `retiring`. */
export function cancel(state: RotationState, reason: string, now: Instant): RotationState {
  if (isBeforeChange(state.phase)) return move(reasoned(state, reason), 'cancelled', now);
  if (canRollBack(state.phase)) return startRollback(reasoned(state, reason), now);
  if (state.phase !== 'retiring') return state;
  const escalated = move({ ...reasoned(state, reason), turnedAt: 'retiring' }, 'escalated', now);
  return askRetireFailed(escalated, now);
}

const askRetireFailed = (state: RotationState, now: Instant): RotationState => ({
  ...state,
  question: {
    id: 'retire-failed',
    nodes: state.troubles.map((trouble) => trouble.node),
    options: ['retry', 'rollback', 'close'],
    askedAt: now,
    deadline: null,
    unanswered: 'stays',
    nextPageAt: now,
  },
});

/** A rollback that has left nodes behind is taken up again for them alone: its plan is otherwise empty. */
const rollback = (state: RotationState, now: Instant): RotationState =>
  state.question?.id === 'node-not-back' ? bringBack(state, now) : startRollback(state, now);

function answer(state: RotationState, given: Command & { command: 'answer' }, now: Instant): RotationState {
  const option = given.option as QuestionOption;
  const open = state.question;
  if (open === null) return state;
  switch (option) {
    case 'retry':
    case 'wait':
      return retry(state, open.nodes, now);
    case 'rollback':
      return rollback(reasoned(state, `${given.by} answered ${open.id} with rollback`), now);
    case 'approve':
      return approve(state, given.by, given.digest as Sha256, given.ticket, now);
    case 'reject':
      return reject(state, given.by, undefined, now);
    case 'resume':
      return move({ ...state, d: state.d + 1, troubles: [] }, 'rolling', now);
    case 'close':
      return move(reasoned(state, `closed as partial by ${given.by} (${given.ticket})`), 'partial', now);
  }
}

/** In a retried rollback only the named nodes are treated, and with them the whole way back. */
const everythingBegun = (done: Done): Done => ({
  staged: 'begun',
  switched: done.switched.map((_, wave) => (wave === 0 ? 'begun' : 'no')),
  head: 'no',
  retired: 'begun',
});

function bringBack(state: RotationState, now: Instant): RotationState {
  const back = startRollback({ ...state, done: everythingBegun(state.done) }, now);
  return { ...back, only: state.troubles.map((trouble) => trouble.node) };
}

/** Another turn for nodes in trouble. */
function retry(state: RotationState, nodes: readonly NodeName[], now: Instant): RotationState {
  const named = new Set(nodes);
  const others = state.troubles.filter((trouble) => !named.has(trouble.node));
  const cleared = { ...state, question: null, stalledSince: null };
  if (state.question?.id === 'retire-failed') return move({ ...cleared, d: state.d + 1, troubles: [] }, 'retiring', now);
  if (state.question?.id === 'node-not-back') return bringBack(state, now);
  const again = [...(state.work?.again ?? []).filter((node) => !named.has(node)), ...nodes];
  switch (state.phase) {
    case 'staging':
      return {
        ...cleared,
        troubles: others,
        work: { operation: 'stage', wave: null, handled: state.plan?.nodes ?? 0, ...state.work, again },
      };
    case 'canary':
      return {
        ...cleared,
        troubles: others,
        work: { operation: 'switch', wave: 0, handled: state.plan?.waves[0] ?? 0, ...state.work, again },
      };
    case 'rolling': {
      const wave = Math.max(
        0,
        state.done.switched.findLastIndex((reached) => reached !== 'no'),
      );
      return {
        ...cleared,
        troubles: others,
        work: { operation: 'switch', wave, handled: state.plan?.waves[wave] ?? 0, ...state.work, again },
      };
    }
    case 'soaking':
      // The nodes keep their place among the unhealthy until the next round of probes finds them well.
      return { ...cleared, troubles: others, work: { operation: 'repair', wave: null, handled: state.plan?.nodes ?? 0, again } };
    default:
      return cleared;
  }
}
