import type { CommandName } from '../../domain/rotation/commands.js';
import {
  isDecision,
  readStatement,
  type AdoptStatement,
  type CommandStatement,
  type EmergencyStatement,
  type GateBinding,
  type StartStatement,
  type Statement,
} from '../../domain/rotation/statement.js';
import { ResealError } from '../../domain/errors.js';
import { givenDate } from '../../domain/given-date.js';
import type { RotationView } from '../../presenters/rotation.js';
import type { TermsView } from '../../presenters/statement.js';
import { saidNow, type Said } from '../said.js';

/** What a command brings along, as it is sent where nobody signs. */
export interface More {
  readonly reason?: string;
  readonly question?: string;
  readonly option?: string;
  readonly as?: 'partial';
  readonly nodes?: readonly string[];
}

/** What a person signs to say this to a rotation as it is shown. @throws ResealError USAGE */
export function draftCommand(command: CommandName, { rotation }: RotationView, said: Said, more: More, now: number): CommandStatement {
  const { installation, mode, line, id, epoch } = rotation;
  const draft = {
    ...saidNow(said, now),
    says: command,
    installation,
    mode,
    line,
    rotation: id,
    epoch,
    ...own(command, rotation.gate.binds, more),
  };
  return checked(draft) as CommandStatement;
}

function own(command: CommandName, binds: RotationView['rotation']['gate']['binds'], more: More): object {
  switch (command) {
    case 'approve':
      return { binds };
    case 'reject':
      return { binds, reason: more.reason ?? null };
    case 'cancel':
    case 'rollback':
      return { reason: more.reason ?? null };
    case 'answer':
      return { question: more.question, option: more.option, binds: isDecision(more.option) ? binds : null };
    case 'close':
      return { as: 'partial' };
    case 'retry':
      return { nodes: more.nodes ?? [] };
    case 'exclude':
      return { nodes: more.nodes ?? [], reason: more.reason ?? null };
    case 'withdraw':
    case 'pause':
    case 'resume':
      return {};
  }
}

export interface Start {
  readonly at: string | undefined;
  readonly successors: readonly string[];
  readonly after: string | undefined;
}

/** What a person signs to start a rotation. @throws ResealError USAGE */
export function draftStart({ installation, line }: TermsView, said: Said, { at, successors, after }: Start, now: number): StartStatement {
  const date = at === undefined ? null : givenDate(at);
  const draft = {
    ...saidNow(said, now),
    says: 'start',
    installation,
    mode: date === null ? 'production' : 'rehearsal',
    line,
    at: date === null ? null : new Date(date).toISOString(),
    successors,
    after: after ?? null,
  };
  return checked(draft) as StartStatement;
}

/** What a person signs to start an emergency. @param revoked whole serial number @throws ResealError USAGE */
export function draftEmergency(
  { installation, line }: TermsView,
  said: Said,
  { revoked, successors }: { readonly revoked: string; readonly successors: readonly string[] },
  now: number,
): EmergencyStatement {
  const draft = { ...saidNow(said, now), says: 'start-emergency', installation, mode: 'production', line, revoked, successors };
  return checked(draft) as EmergencyStatement;
}

/** What a person signs to have a rotation go on as it is shown: left by its workflow, in that epoch. @throws ResealError USAGE */
export function draftAdoption({ rotation }: RotationView, said: Said, now: number): AdoptStatement {
  const { installation, mode, line, id, epoch } = rotation;
  return checked({ ...saidNow(said, now), says: 'adopt', installation, mode, line, rotation: id, epoch }) as AdoptStatement;
}

/** What is signed is what the other side reads: no more, no less. */
function checked(draft: object): Statement {
  const read = readStatement(draft);
  if (read.kind === 'statement') return read.statement;
  if ('binds' in draft && draft.binds === null)
    throw new ResealError('ILLEGAL_COMMAND', 'No gate is open: there is nothing to decide yet.');
  throw new ResealError('USAGE', `This cannot be signed: ${read.reason}.`);
}

/** Of an approval or a rejection; null: nothing is bound. */
export const boundBy = (statement: Statement): GateBinding | null => ('binds' in statement ? statement.binds : null);
