import { ApplicationFailure } from '@temporalio/workflow';
import { COMMAND_NAMES, type Command, type CommandName } from '../src/domain/rotation/commands.js';
import { isCommand, readStatement, type CommandStatement, type Signed } from '../src/domain/rotation/statement.js';
import { LONGEST_SIGNATURE } from '../src/domain/signing/standing.js';
import type { CommandArguments } from './messages.js';

/** What somebody says to a rotation: by name alone, or signed. */
export type Heard =
  { readonly kind: 'command'; readonly command: Command } | { readonly kind: 'signed'; readonly signed: Signed<CommandStatement> };

/**
 * Reads what an Update or a Signal brings: any client of Temporal may send one, and what TypeScript promises, nobody has checked.
 * @param name of the Update; null: the statement says what it is
 * @throws ApplicationFailure USAGE, STATEMENT_REFUSED
 */
export function heard(name: CommandName | null, said: CommandArguments): Heard {
  const given: unknown = said;
  if (given === null || typeof given !== 'object') throw refuse('USAGE', 'a command is an object');
  if (!('statement' in said)) {
    if (!(COMMAND_NAMES as readonly unknown[]).includes(name) || typeof said.by !== 'string' || typeof said.ticket !== 'string')
      throw refuse('USAGE', 'a command needs its name, the person (by) and the ticket');
    return { kind: 'command', command: { ...said, command: name } as Command };
  }
  const { signature } = given as { readonly signature?: unknown };
  if (typeof signature !== 'string' || signature.length > LONGEST_SIGNATURE || !/^[\x20-\x7e\r\n]+$/.test(signature))
    throw refuse('STATEMENT_REFUSED', 'a signed statement comes with its signature, as ssh-keygen writes it');
  const read = readStatement(said.statement);
  if (read.kind === 'none') throw refuse('STATEMENT_REFUSED', `no statement can be read here: ${read.reason}`);
  const { statement } = read;
  if (!isCommand(statement)) throw refuse('STATEMENT_REFUSED', `a rotation that is under way cannot be told to ${statement.says}`);
  if (name !== null && statement.says !== name) throw refuse('STATEMENT_REFUSED', `the statement says ${statement.says}, not ${name}`);
  return { kind: 'signed', signed: { statement, signature } };
}

/** The longest Signal that is kept on the record as it was. In characters of its JSON. */
const LONGEST_NOTED = 16_384;

/** What a Signal brought, for the record: it travels with the rotation until the ledger has it, and may be as large as its sender likes. */
export function noted(said: unknown): unknown {
  const text = JSON.stringify(said) as string | undefined;
  if (text === undefined) return null;
  return text.length <= LONGEST_NOTED ? said : { characters: text.length, beginning: text.slice(0, 1_000) };
}

const refuse = (code: 'USAGE' | 'STATEMENT_REFUSED', reason: string): ApplicationFailure => ApplicationFailure.nonRetryable(reason, code);
