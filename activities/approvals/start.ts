import type { Configuration } from '../../src/configuration/load.js';
import type { Instant, PersonId, RotationId } from '../../src/domain/brands.js';
import { ResealError } from '../../src/domain/errors.js';
import { mayDo, type RosterCommand } from '../../src/domain/roster.js';
import { keysOf } from '../../src/domain/rotation/commands.js';
import {
  begins,
  isForOther,
  untimely,
  type BeginningStatement,
  type CommandStatement,
  type EmergencyStatement,
  type StartStatement,
} from '../../src/domain/rotation/statement.js';
import { personSignature } from '../../src/statement/person.js';
import type { RotationRequest } from '../rotation/contract.js';
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
  statement: BeginningStatement | CommandStatement,
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
