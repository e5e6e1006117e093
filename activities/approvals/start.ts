import type { Configuration } from '../../src/configuration/load.js';
import type { Instant, PersonId, RotationId } from '../../src/domain/brands.js';
import { ResealError } from '../../src/domain/errors.js';
import { mayDo, type RosterCommand } from '../../src/domain/roster.js';
import { keysOf } from '../../src/domain/rotation/commands.js';
import { epochOf, type RotationState } from '../../src/domain/rotation/state.js';
import {
  begins,
  isForOther,
  untimely,
  type AdoptStatement,
  type BeginningStatement,
  type CommandStatement,
  type EmergencyStatement,
  type StartStatement,
} from '../../src/domain/rotation/statement.js';
import { personSignature } from '../../src/statement/person.js';
import { ticketRefusal } from '../../src/domain/tickets.js';
import type { AdoptionRequest, RotationRequest } from '../rotation/contract.js';
import { authorityOf } from '../rotation/surroundings.js';
import { mustBeSignedBy, mustCountByName } from './judge.js';

/** The rotation that has completed and is to be undone. */
export interface Undone {
  readonly id: RotationId;
  readonly epoch: number;
}

/** Who asks for what the scan starts. */
const SCHEDULE = 'schedule' as PersonId;
/** How far the date of a rehearsal may be from the one that was signed, for it travels as a distance from now. In milliseconds. */
const DATE_TOLERANCE = 5 * 60_000;

/**
 * Whether it is known who asks for a rotation, or for a completed one to be undone. What the schedule asks for nobody signs.
 * @param now when it was asked for
 * @param undoes null where a rotation begins
 * @throws ResealError NOT_ENTITLED, SIGNATURE_NEEDED, SIGNATURE_REFUSED, STATEMENT_REFUSED
 */
export function mustBeAskedBy(configuration: Configuration, request: RotationRequest, now: Instant, undoes: Undone | null): void {
  const { line, trigger, offset, signed } = request;
  if (trigger.kind === 'schedule') {
    const { ticket } = configuration.policy.scan;
    const planned = undoes === null && request.emergency === undefined;
    if (planned && trigger.by === SCHEDULE && trigger.ticket === ticket && request.successors === undefined) return;
    throw new ResealError(
      'SIGNATURE_NEEDED',
      `The schedule starts what is due, under ${ticket}, and nothing else: a person has to ask for this.`,
    );
  }
  const right = rightTo(request, undoes);
  if (!mayDo(configuration.roster, trigger.by, right))
    throw new ResealError('NOT_ENTITLED', `The roster does not let ${trigger.by} ${right}.`);
  const authority = authorityOf(configuration, line, offset);
  if (signed === undefined) return mustCountByName(authority, trigger.by);
  const { statement, signature } = signed;
  const other = untimely(statement, now) ?? isForOther(statement, authority) ?? asksOther(statement, request, now, undoes);
  if (other !== null) throw new ResealError('STATEMENT_REFUSED', `The signed statement does not count: ${other}.`);
  mustBeSignedBy(trigger.by, personSignature(statement, signature, keysOf(authority, trigger.by)));
}

/** What the roster has to let whoever asks do. */
export function rightTo({ emergency }: Pick<RotationRequest, 'emergency'>, undoes: Undone | null): RosterCommand {
  if (undoes !== null) return 'rollback';
  return emergency === undefined ? 'start' : 'start-emergency';
}

function asksOther(
  statement: NonNullable<RotationRequest['signed']>['statement'],
  request: RotationRequest,
  now: Instant,
  undoes: Undone | null,
): string | null {
  const { line, trigger } = request;
  if (statement.person !== trigger.by || statement.ticket !== trigger.ticket || statement.line !== line)
    return `it is said by ${statement.person} of ${statement.line} under ${statement.ticket}, and asked is by ${trigger.by} for ${line} under ${trigger.ticket}`;
  return begins(statement) ? beginsOther(statement, request, now, undoes) : undoesOther(statement, undoes);
}

function beginsOther(statement: BeginningStatement, request: RotationRequest, now: Instant, undoes: Undone | null): string | null {
  if (undoes !== null) return `it asks for a rotation to begin, and ${undoes.id} is to be undone`;
  const other = statement.says === 'start' ? startsOther(statement, request, now) : emergencyOther(statement, request);
  if (other !== null) return other;
  const chosen: readonly string[] = request.successors ?? [];
  const { successors } = statement;
  return successors.length === chosen.length && successors.every((uuid) => chosen.includes(uuid)) ? null : 'it chooses other successors';
}

function emergencyOther({ revoked }: EmergencyStatement, { emergency, offset }: RotationRequest): string | null {
  if (emergency === undefined) return 'it asks for an emergency, and asked is a planned rotation';
  if (offset !== 0) return 'it is said for today, and asked is another date';
  return emergency.revoked === revoked ? null : `it names ${revoked} as revoked, and asked is ${emergency.revoked}`;
}

function startsOther({ at }: StartStatement, request: RotationRequest, now: Instant): string | null {
  if (request.emergency !== undefined) return 'it asks for a planned rotation, and asked is an emergency';
  if ((at === null) !== (request.offset === 0)) return `it is said for ${at ?? 'today'}, and asked is another date`;
  if (at !== null && Math.abs(Date.parse(at) - (now + request.offset)) > DATE_TOLERANCE)
    return `it is said for ${at}, and asked is another date`;
  return null;
}

function undoesOther(statement: CommandStatement, undoes: Undone | null): string | null {
  if (undoes === null || statement.says !== 'rollback') return `it says ${statement.says}, which is not what is asked for`;
  return statement.rotation === undoes.id && statement.epoch === undoes.epoch
    ? null
    : `it is said to ${statement.rotation} in epoch ${statement.epoch}, and asked is to undo ${undoes.id}, epoch ${undoes.epoch}`;
}

/**
 * Whether it is known who has a rotation go on that its workflow left. What is signed names the epoch in which it was left: it is said of that one end of a run.
 * @param left the rotation as it was left
 * @param now when it was asked for
 * @throws ResealError NOT_ENTITLED, WRONG_TICKET, SIGNATURE_NEEDED, SIGNATURE_REFUSED, STATEMENT_REFUSED
 */
export function mustBeAdoptedBy(
  configuration: Configuration,
  { rotation, line, by, ticket, signed }: AdoptionRequest,
  left: Pick<RotationState, 'k' | 'd' | 'offset' | 'authority'>,
  now: Instant,
): void {
  const wrong = ticketRefusal(ticket, configuration.policy);
  if (wrong !== null) throw new ResealError('WRONG_TICKET', `${wrong}.`);
  if (!mayDo(configuration.roster, by, 'start'))
    throw new ResealError('NOT_ENTITLED', `The roster does not let ${by} start a rotation, nor adopt one.`);
  const authority = authorityOf(configuration, line, left.offset);
  if (signed === undefined) {
    // A rotation that asks for signatures goes on asking for them.
    mustCountByName(left.authority, by);
    return mustCountByName(authority, by);
  }
  const { statement, signature } = signed;
  const other =
    untimely(statement, now) ?? isForOther(statement, authority) ?? adoptsOther(statement, { rotation, line, by, ticket }, epochOf(left));
  if (other !== null) throw new ResealError('STATEMENT_REFUSED', `The signed statement does not count: ${other}.`);
  mustBeSignedBy(by, personSignature(statement, signature, keysOf(authority, by)));
}

function adoptsOther(statement: AdoptStatement, { rotation, line, by, ticket }: AdoptionRequest, epoch: number): string | null {
  if (statement.person !== by || statement.ticket !== ticket)
    return `it is said by ${statement.person} under ${statement.ticket}, and asked is by ${by} under ${ticket}`;
  return statement.rotation === rotation && statement.line === line && statement.epoch === epoch
    ? null
    : `it is said of ${statement.rotation} (line ${statement.line}) in epoch ${statement.epoch}, and asked is to adopt ${rotation} (line ${line}), which was left in epoch ${epoch}`;
}
