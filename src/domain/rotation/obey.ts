import type { Instant, NodeName, PersonId, Sha256 } from '../brands.js';
import { commandOf, type Command } from './commands.js';
import { asksAgain, isEmergency, longestPause, resumedPhase } from './emergency.js';
import { enoughApprovals, gatePassed, latestApprovalOf, move, startRollback, turnBack } from './moves.js';
import { exclude } from './exclusions.js';
import { canRollBack, isBeforeChange } from './phases.js';
import { letGo, waitMore } from './pins.js';
import { ask } from './questions.js';
import type { Assurance, Done, QuestionOption, RotationState } from './state.js';
import { approves, type CommandStatement, type Signed } from './statement.js';
import { lastAutomaticRollback } from './timeline.js';

const BY_NAME: Assurance = { assurance: 'asserted' };

/**
 * The state after an accepted command that was signed.
 * @param voided who is not on the roster any more, or not with the key that they approved with: what they approved, or asked to leave out, does not count
 */
export function obeySigned(
  state: RotationState,
  { key, signed, voided }: { readonly key: string; readonly signed: Signed<CommandStatement>; readonly voided: readonly PersonId[] },
  now: Instant,
): RotationState {
  const { nonce, expiresAt } = signed.statement;
  const heard = [...state.heard.filter((one) => one.expiresAt > now), { nonce, expiresAt: Date.parse(expiresAt) }];
  const approvals = isCountedNow(state, signed.statement)
    ? state.approvals.filter(({ person }) => !voided.includes(person))
    : state.approvals;
  const exclusionsAsked =
    signed.statement.says === 'exclude' ? state.exclusionsAsked?.filter(({ person }) => !voided.includes(person)) : state.exclusionsAsked;
  const known = { ...state, heard, approvals, ...(exclusionsAsked === undefined ? {} : { exclusionsAsked }) };
  return obey(known, commandOf(signed.statement), now, { assurance: 'signed', key, signed });
}

/** Until the gate has passed, and after a withdrawal, an approval is when all are counted; what has let a rotation through stays. */
const isCountedNow = (state: RotationState, statement: CommandStatement): boolean =>
  approves(statement) && (!gatePassed(state) || state.paused?.because === 'withdrawn' || asksAgain(state));

/** The state after an accepted command. */
export function obey(state: RotationState, command: Command, now: Instant, how: Assurance = BY_NAME): RotationState {
  switch (command.command) {
    case 'approve':
      return approve(state, command.by, command.digest, command.ticket, now, how);
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
      return answer(state, command, now, how);
    case 'close':
      return move(reasoned(state, `closed as partial by ${command.by} (${command.ticket})`), 'partial', now);
    case 'retry':
      return retry(state, command.nodes, now);
    case 'exclude':
      return exclude(state, command, now, how);
  }
}

const because = (reason: string | undefined): string => (reason === undefined || reason === '' ? '' : `: ${reason}`);
const reasoned = (state: RotationState, reason: string): RotationState => ({ ...state, reasons: [...state.reasons, reason] });

function approve(state: RotationState, person: PersonId, digest: Sha256, ticket: string, now: Instant, how: Assurance): RotationState {
  const others = state.approvals.filter((approval) => approval.person !== person);
  return { ...state, approvals: [...others, { person, digest, ticket, at: now, ...how }] };
}

function reject(state: RotationState, person: PersonId, reason: string | undefined, now: Instant): RotationState {
  const rejected = reasoned(state, `rejected by ${person}${because(reason)}`);
  if (isBeforeChange(state.phase)) return move(rejected, 'cancelled', now);
  return isEmergency(state) ? turnBack(state, `rejected by ${person}${because(reason)}`, now) : startRollback(rejected, now);
}

/** Before the gate has passed this subtracts; after it, the rotation pauses and only enough approvals or a rollback go on. */
function withdraw(state: RotationState, person: PersonId, now: Instant): RotationState {
  const left = { ...state, approvals: state.approvals.filter((approval) => approval.person !== person) };
  if (!gatePassed(state) || enoughApprovals(left, now)) return left;
  // With no way back nothing is to be had from waiting: people are asked at once, and nothing more is begun.
  if (isEmergency(state)) return ask(left, { id: 'approve-now', nodes: [] }, now);
  if (state.phase !== 'rolling') return left;
  return { ...left, paused: { by: person, since: now, until: latestResume(state, now), because: 'withdrawn' } };
}

/** The latest safe time to go on: all that is left, and a rollback, still fit before the horizon. */
export function latestResume(state: RotationState, now: Instant): Instant {
  const { plan } = state;
  if (plan === null) return now;
  if (isEmergency(state)) return longestPause(state, now);
  const latest =
    state.phase === 'staging' || state.phase === 'canary' || state.phase === 'awaiting-signoff'
      ? (latestApprovalOf(state) ?? now)
      : lastAutomaticRollback(plan.horizon, plan.nodes, plan.maxUnavailable, state.policy) -
        state.policy.rollback.safetyMargin -
        state.offset;
  return Math.max(now, latest);
}

/** Ends the rotation: at once before a node was changed, by an ordered rollback after that, by stopping and asking in `retiring` and where there is no way back. */
export function cancel(state: RotationState, reason: string, now: Instant): RotationState {
  if (isBeforeChange(state.phase)) return move(reasoned(state, reason), 'cancelled', now);
  if (canRollBack(state.phase)) return isEmergency(state) ? turnBack(state, reason, now) : startRollback(reasoned(state, reason), now);
  if (state.phase !== 'retiring') return state;
  const escalated = move({ ...reasoned(state, reason), turnedAt: 'retiring' }, 'escalated', now);
  return ask(escalated, { id: 'retire-failed', nodes: state.troubles.map((trouble) => trouble.node) }, now);
}

/** A rollback that has left nodes behind is taken up again for them alone: its plan is otherwise empty. */
const rollback = (state: RotationState, now: Instant): RotationState =>
  state.question?.id === 'node-not-back' ? bringBack(state, now) : startRollback(state, now);

function answer(state: RotationState, given: Command & { command: 'answer' }, now: Instant, how: Assurance): RotationState {
  const option = given.option as QuestionOption;
  const open = state.question;
  if (open === null) return state;
  switch (option) {
    case 'wait':
      if (open.id === 'pin-overdue') return { ...state, question: null, pins: waitMore(state, now) };
      return retry(state, open.nodes, now);
    case 'retry':
      return retry(state, open.nodes, now);
    case 'exclude':
      // Refused where it is decided: who leaves nodes out names them.
      return state;
    case 'retire':
      return reasoned({ ...state, question: null, pins: letGo(state, now) }, `${given.by} answered ${open.id} with retire`);
    case 'rollback':
      return rollback(reasoned(state, `${given.by} answered ${open.id} with rollback`), now);
    case 'approve':
      return approve(state, given.by, given.digest as Sha256, given.ticket, now, how);
    case 'reject':
      return reject(state, given.by, undefined, now);
    case 'resume':
      // It goes forward again: where it turned is of the past.
      return move({ ...state, d: state.d + 1, troubles: [], turnedAt: null, pins: null }, resumedPhase(state), now);
    case 'close':
      return move(reasoned(state, `closed as partial by ${given.by} (${given.ticket})`), 'partial', now);
  }
}

/** In a retried rollback only the named nodes are treated, and with them the whole way back; the head, where it is not back either. */
const everythingBegun = (done: Done): Done => ({
  staged: 'begun',
  switched: done.switched.map((_, wave) => (wave === 0 ? 'begun' : 'no')),
  head: done.head,
  retired: 'begun',
});

function bringBack(state: RotationState, now: Instant): RotationState {
  const back = startRollback({ ...state, done: everythingBegun(state.done) }, now);
  return { ...back, only: state.troubles.map((trouble) => trouble.node) };
}

/** Another turn for nodes in trouble. */
export function retry(state: RotationState, nodes: readonly NodeName[], now: Instant): RotationState {
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
    case 'retiring':
      return {
        ...cleared,
        troubles: others,
        work: { operation: 'retire', wave: null, handled: state.plan?.nodes ?? 0, ...state.work, again },
      };
    case 'rolling-back':
      // The whole way back for these nodes; then the rest of it for all.
      return {
        ...cleared,
        troubles: others,
        work: null,
        only: nodes,
        done: { ...state.done, switched: everythingBegun(state.done).switched, retired: 'begun' },
      };
    default:
      return cleared;
  }
}
