import type { Uncounted } from '../adopted-rosters.js';
import type { Instant, NodeName, PersonId, Sha256 } from '../brands.js';
import type { ErrorCode } from '../errors.js';
import type { RosterCommand } from '../roster.js';
import { ticketRefusal } from '../tickets.js';
import { canRollBack, isBeforeChange, isTerminal, type Phase } from './phases.js';
import { asksAgain, gateOf, isEmergency, mustNotDecide } from './emergency.js';
import { enoughApprovals } from './moves.js';
import { exclusionRefusal, mayExclude } from './exclusions.js';
import { isWaitingForHead } from './rollback.js';
import { epochOf, type Assurance, type Authority, type RotationState } from './state.js';
import { bindingOf } from './gate-binding.js';
import { bindsOther, isDecision, isForOther, untimely, type CommandStatement, type GateBinding } from './statement.js';

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
  | (Said & { readonly command: 'retry'; readonly nodes: readonly NodeName[] })
  | (Said & { readonly command: 'exclude'; readonly nodes: readonly NodeName[]; readonly reason?: string });
export type CommandName = Command['command'];

export type Decision =
  | { readonly accepted: true }
  | {
      readonly accepted: false;
      readonly code: ErrorCode;
      /** A sentence without capital and full stop, which begins with a word: ids are never at the place of the capital. */
      readonly reason: string;
      /** What is possible instead where the phase forbids it; nothing else is where a person, a ticket or a value is at fault. */
      readonly legal: readonly CommandName[];
    };

const YES: Decision = { accepted: true };
type Refuse = (code: ErrorCode, reason: string) => Decision;

/** Where nodes in trouble get another turn. */
const CAN_RETRY: readonly Phase[] = ['staging', 'canary', 'rolling', 'soaking'];

/** Commands that have a meaning in the present phase, for the sentence of a refusal and for the status. */
export function legalCommands(state: RotationState): readonly CommandName[] {
  if (isTerminal(state.phase)) return [];
  const legal: CommandName[] = [];
  const { phase } = state;
  // Before the gate is open nobody could count what is said, and opening it would wipe it out.
  const open = (state.gate !== null && state.gate.kind === gateOf(state)) || asksAgain(state);
  // A withdrawn approval can be replaced; nothing else but a rollback goes on from there.
  if (open || state.paused?.because === 'withdrawn') legal.push('approve');
  if (open && phase !== 'awaiting-retirement') legal.push('reject');
  if (state.approvals.length > 0 && mayWithdraw(state)) legal.push('withdraw');
  if (canRollBack(phase)) legal.push(state.paused === null ? 'pause' : 'resume');
  if (isBeforeChange(phase) || canRollBack(phase) || phase === 'retiring') legal.push('cancel');
  if (!isEmergency(state) && (canRollBack(phase) || phase === 'retiring' || phase === 'escalated')) legal.push('rollback');
  if (state.question !== null) legal.push('answer');
  if (phase === 'escalated') legal.push('close');
  const mayRetry =
    CAN_RETRY.includes(phase) ||
    (phase === 'escalated' && state.question?.id !== 'past-horizon' && state.question?.id !== 'head-moved') ||
    isWaitingForHead(state);
  if (state.troubles.length > 0 && mayRetry) legal.push('retry');
  if (mayExclude(state)) legal.push('exclude');
  return legal;
}

const CAN_WITHDRAW: readonly Phase[] = ['awaiting-signoff', 'awaiting-retirement', 'canary', 'rolling'];

/** Those of an emergency are given before staging. */
const mayWithdraw = (state: RotationState): boolean =>
  CAN_WITHDRAW.includes(state.phase) || (isEmergency(state) && (state.phase === 'preflight' || state.phase === 'staging'));

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
  exclude: 'exclude',
};

/** Every command: for Temporal's own client one Update each, of that name, for the API one route each. */
export const COMMAND_NAMES = Object.keys(RIGHT) as readonly CommandName[];

/** The command that a signed statement is. */
export function commandOf(statement: CommandStatement): Command {
  const said = { by: statement.person, ticket: statement.ticket };
  switch (statement.says) {
    case 'approve':
      return { command: 'approve', ...said, digest: statement.binds.to };
    case 'reject':
    case 'cancel':
    case 'rollback':
      return { command: statement.says, ...said, ...(statement.reason === null ? {} : { reason: statement.reason }) };
    case 'withdraw':
    case 'pause':
    case 'resume':
      return { command: statement.says, ...said };
    case 'answer': {
      const { question, option, binds } = statement;
      return { command: 'answer', ...said, question, option, ...(binds === null ? {} : { digest: binds.to }) };
    }
    case 'close':
      return { command: 'close', ...said, as: statement.as };
    case 'retry':
      return { command: 'retry', ...said, nodes: statement.nodes };
    case 'exclude':
      return { command: 'exclude', ...said, nodes: statement.nodes, ...(statement.reason === null ? {} : { reason: statement.reason }) };
  }
}

/** Whether what somebody has signed is said to this rotation as it is now, and was not heard before. Whose signature it is, is another question. */
export function decideSigned(state: RotationState, statement: CommandStatement, now: Instant): Decision {
  const decision = decide(state, commandOf(statement), now, 'signed');
  if (!decision.accepted) return decision;
  const other = saysOther(state, statement) ?? untimely(statement, now);
  if (other !== null)
    return { accepted: false, code: 'STATEMENT_REFUSED', reason: `the signed statement does not count: ${other}`, legal: [] };
  return state.heard.some(({ nonce }) => nonce === statement.nonce)
    ? { accepted: false, code: 'ALREADY_DECIDED', reason: 'a signed statement counts once, and this one has counted', legal: [] }
    : YES;
}

function saysOther(state: RotationState, statement: CommandStatement): string | null {
  const other = isForOther(statement, state.authority);
  if (other !== null) return other;
  if (statement.line !== state.line || statement.rotation !== state.id)
    return `it is said to ${statement.rotation}, and this is ${state.id}`;
  if (statement.epoch !== epochOf(state))
    return `it is of epoch ${statement.epoch}, and ${state.id} has changed its direction since (epoch ${epochOf(state)})`;
  const bound: GateBinding | null = 'binds' in statement ? statement.binds : null;
  const needed =
    statement.says === 'approve' || statement.says === 'reject' || (statement.says === 'answer' && isDecision(statement.option));
  if (!needed) return null;
  const asked = bindingOf(state.plan, state.gate);
  if (asked === null) return 'no gate is open';
  return bound === null ? 'it does not say what it approves' : bindsOther(bound, asked);
}

/**
 * Whether a command is accepted now. Pure and synchronous: Temporal asks it before anything is written to history.
 * @param how it is known who says it
 */
export function decide(state: RotationState, command: Command, now: Instant, how: Assurance['assurance'] = 'asserted'): Decision {
  const refuse: Refuse = (code, reason) => ({ accepted: false, code, reason, legal: [] });
  const guards: (() => Decision | null)[] = [
    () => phaseGuard(state, command),
    () => shapeGuard(command, refuse),
    () => assuranceGuard(state, command, how, refuse),
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

function phaseGuard(state: RotationState, { command }: Command): Decision | null {
  const legal = legalCommands(state);
  if (legal.includes(command)) return null;
  const reason = `the command ${command} has no meaning while the rotation is ${phrase(state)}`;
  return { accepted: false, code: 'ILLEGAL_COMMAND', reason, legal };
}

const phrase = (state: RotationState): string => (state.paused === null ? state.phase : `${state.phase} and paused`);

/** The longest reason: it travels with the rotation's state. */
const LONGEST_REASON = 1_000;

/** Commands come from any client of Temporal: what TypeScript promises, nobody has checked. */
function shapeGuard(command: Command, refuse: Refuse): Decision | null {
  if ('reason' in command && (typeof command.reason !== 'string' || command.reason.length > LONGEST_REASON)) {
    return refuse('USAGE', `a reason is a text of at most ${LONGEST_REASON} characters`);
  }
  if ((command.command === 'retry' || command.command === 'exclude') && !Array.isArray(command.nodes))
    return refuse('USAGE', `name the nodes to ${command.command}, as a list`);
  return null;
}

/** A name proves nobody. */
function assuranceGuard({ authority }: RotationState, { by }: Command, how: Assurance['assurance'], refuse: Refuse): Decision | null {
  const refusal = how === 'signed' ? null : mustSign(authority, by);
  return refusal === null ? null : refuse('SIGNATURE_NEEDED', refusal);
}

/** The keys that a person signs with; a name that nobody bears, like `constructor`, has none. */
export const keysOf = ({ keys }: Pick<Authority, 'keys'>, person: PersonId): readonly string[] =>
  Object.hasOwn(keys, person) ? (keys[person] ?? []) : [];

/** Why a person's name alone does not count; null: it does. A sentence without capital and full stop. */
export function mustSign(authority: Pick<Authority, 'assurance' | 'keys'>, person: PersonId): string | null {
  const { assurance } = authority;
  if (keysOf(authority, person).length > 0)
    return `a name alone does not count for ${person}, who has keys on the roster: sign it, with --key`;
  return assurance === 'signature'
    ? `a name alone counts only where every node is simulated: sign it, with --key; the roster has no key of ${person} yet`
    : null;
}

function ticketGuard(state: RotationState, command: Command, refuse: Refuse): Decision | null {
  const refusal = ticketRefusal(command.ticket, state.policy);
  if (refusal !== null) return refuse('WRONG_TICKET', refusal);
  const binds =
    command.command === 'approve' || command.command === 'reject' || command.command === 'withdraw' || command.command === 'answer';
  const scheduledOnly = command.command === 'answer' && command.option !== 'approve' && command.option !== 'reject';
  return binds && !scheduledOnly && command.ticket !== state.trigger.ticket
    ? refuse('WRONG_TICKET', `this rotation runs under ${state.trigger.ticket}, not ${command.ticket}`)
    : null;
}

function rightGuard(state: RotationState, command: Command, refuse: Refuse): Decision | null {
  const needed: RosterCommand = command.command === 'answer' && isDecision(command.option) ? command.option : RIGHT[command.command];
  // An approval may be taken back by whoever gave it.
  if (command.command === 'withdraw' && state.approvals.some((approval) => approval.person === command.by)) return null;
  const rights = Object.hasOwn(state.rights, command.by) ? state.rights[command.by] : undefined;
  if (rights === undefined) return refuse('NOT_ENTITLED', `no such person: ${command.by} is not on the roster`);
  return rights.includes(needed) ? null : refuse('NOT_ENTITLED', `the roster does not let ${command.by} ${needed}`);
}

function contentGuard(state: RotationState, command: Command, now: Instant, refuse: Refuse): Decision | null {
  switch (command.command) {
    case 'approve':
      return approvalGuard(state, command.by, command.digest, now, refuse);
    case 'reject':
      return rejectionGuard(state, command.by, refuse);
    case 'withdraw':
      return state.approvals.some((approval) => approval.person === command.by)
        ? null
        : refuse('ILLEGAL_COMMAND', `no approval to withdraw: ${command.by} has given none`);
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
      return unknown.length > 0 ? refuse('ILLEGAL_COMMAND', `not in trouble, so not to be retried: ${unknown.join(', ')}`) : null;
    }
    case 'exclude': {
      const out = uncountedIn(state, command.by);
      if (out !== null) return refuse('NOT_ENTITLED', `nothing that lets a rotation go on counts of ${command.by}, who ${out.because}`);
      const refusal = exclusionRefusal(state, command.by, command.nodes, now);
      return refusal === null ? null : refuse('ILLEGAL_COMMAND', refusal);
    }
    case 'pause':
    case 'cancel':
    case 'close':
      return null;
  }
}

function eligibleGuard(state: RotationState, person: PersonId, refuse: Refuse): Decision | null {
  if (mustNotDecide(state, person)) return refuse('NOT_ENTITLED', `the requester does not decide: ${person} asked for this rotation`);
  if (state.plan?.eligible.includes(person) === true) return null;
  const out = uncountedIn(state, person);
  if (out !== null)
    return refuse(
      'NOT_ENTITLED',
      `not eligible at this gate: ${person} ${out.because}; a second person of the roster before makes it count from the next gate`,
    );
  return refuse(
    'NOT_ENTITLED',
    `not eligible for this rotation: ${person}; requester, importer of a successor and whoever froze the manifest may not decide on it`,
  );
}

/** Why nothing that a person approves counts at this gate, though the roster lets them; null: it does, or the reason is another one. */
const uncountedIn = ({ gate }: RotationState, person: PersonId): Uncounted | null =>
  gate?.uncounted?.find((one) => one.person === person && one.keys === null) ?? null;

/** However the roster came about, it keeps nobody from turning a rotation back. */
const rejectionGuard = (state: RotationState, person: PersonId, refuse: Refuse): Decision | null =>
  !mustNotDecide(state, person) && uncountedIn(state, person) !== null ? null : eligibleGuard(state, person, refuse);

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
  return standing ? refuse('ALREADY_DECIDED', `once is enough: ${person} has approved already, and approvals count by person`) : null;
}

function rollbackGuard(state: RotationState, now: Instant, refuse: Refuse): Decision | null {
  const { plan } = state;
  if (isEmergency(state)) return refuse('PAST_HORIZON', 'an emergency goes forward only: what was revoked cannot sign');
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
    return refuse('ILLEGAL_COMMAND', `the question ${question.id} is answered by ${question.options.join(', ')}, not by ${answer.option}`);
  }
  if (answer.option === 'exclude')
    return refuse(
      'ILLEGAL_COMMAND',
      `whoever leaves nodes out names them: reseal rotation exclude ${state.id} --node ${question.nodes.join(' --node ')}`,
    );
  if (answer.option === 'approve') return approvalGuard(state, answer.by, answer.digest, now, refuse);
  if (answer.option === 'reject') return rejectionGuard(state, answer.by, refuse);
  return answer.option === 'rollback' ? rollbackGuard(state, now, refuse) : null;
}
