import { isSha256, type LineName } from '../domain/brands.js';
import { ResealError } from '../domain/errors.js';
import { readMandate, type Mandate, type SignedMandate } from '../domain/mandate.js';
import {
  isCommand,
  readStatement,
  type AdoptStatement,
  type CommandStatement,
  type Signed,
  type StartStatement,
} from '../domain/rotation/statement.js';
import { readScheduleMandate, type SignedScheduleMandate } from '../domain/schedule-mandate.js';
import type { PersonView, TermsView } from '../presenters/statement.js';
import { fingerprintOf } from '../statement/standing.js';
import { authorityOf, situationOf } from '../../activities/rotation/surroundings.js';
import type { CommandName } from '../domain/rotation/commands.js';
import { revokedOn } from './emergencies.js';
import type { RotationDesk, StartRequest } from './rotations.js';

interface Given {
  readonly statement: Readonly<Record<string, unknown>>;
  readonly signature: string;
}

/** @throws ResealError STATEMENT_REFUSED where it is no statement, or another one */
function signed({ statement: given, signature }: Given): Signed {
  const read = readStatement(given);
  if (read.kind === 'none') throw new ResealError('STATEMENT_REFUSED', `No statement can be read here: ${read.reason}.`);
  return { statement: read.statement, signature };
}

const says = (name: string, { statement }: Signed): ResealError =>
  new ResealError('STATEMENT_REFUSED', `The statement says ${statement.says}, not ${name}.`);

/** @throws ResealError STATEMENT_REFUSED */
export function signedCommand(name: CommandName, given: Given): Signed<CommandStatement> {
  const { statement, signature } = signed(given);
  if (!isCommand(statement) || statement.says !== name) throw says(name, { statement, signature });
  return { statement, signature };
}

/** @throws ResealError STATEMENT_REFUSED */
export function signedStart(given: Given): StartRequest {
  const { statement, signature } = signed(given);
  if (statement.says === 'start-emergency') {
    const { line, person, ticket, revoked, successors } = statement;
    return { line, by: person, ticket, revoked, successors, signed: { statement, signature } };
  }
  if (statement.says !== 'start') throw says('start', { statement, signature });
  const { line, person, ticket, at, successors, after } = statement;
  const own: Signed<StartStatement> = { statement, signature };
  return {
    ...{ line, by: person, ticket, successors, signed: own },
    ...(at === null ? {} : { at }),
    ...(after === null ? {} : { after }),
  };
}

/** @throws ResealError STATEMENT_REFUSED */
export function signedAdoption(given: Given): Signed<AdoptStatement> {
  const { statement, signature } = signed(given);
  if (statement.says !== 'adopt') throw says('adopt', { statement, signature });
  return { statement, signature };
}

/** Who asks by name alone. */
export interface ByName {
  readonly by: string;
  readonly ticket: string;
}

/** @throws ResealError STATEMENT_REFUSED where it is none, or for something else */
export function signedMandate<S extends Mandate['says']>(
  says: S,
  { statement, signature }: Given,
): SignedMandate & { readonly statement: Extract<Mandate, { readonly says: S }> } {
  const read = readMandate(statement);
  if (read.kind === 'none') throw new ResealError('STATEMENT_REFUSED', `No statement can be read here: ${read.reason}.`);
  if (read.mandate.says !== says) throw new ResealError('STATEMENT_REFUSED', `The statement says ${read.mandate.says}, not ${says}.`);
  return { statement: read.mandate as Extract<Mandate, { readonly says: S }>, signature };
}

/** @throws ResealError STATEMENT_REFUSED where it is none */
export function signedScheduleMandate({ statement, signature }: Given): SignedScheduleMandate {
  const read = readScheduleMandate(statement);
  if (read.kind === 'none') throw new ResealError('STATEMENT_REFUSED', `No statement can be read here: ${read.reason}.`);
  return { statement: read.mandate, signature };
}

/**
 * What a statement about a line has to name, and whether a name alone counts there.
 * @param revoked names the certificate that an emergency replaces
 * @throws ResealError NOT_FOUND, REFUSED where the line has no manifest in force
 */
export async function termsOf({ around }: RotationDesk, line: string, revoked?: string): Promise<TermsView> {
  const { configuration } = situationOf(around, line as LineName);
  const { installation, assurance } = authorityOf(configuration, line as LineName, 0);
  const named = revoked === undefined ? {} : { revoked: await revokedOn(around, line as LineName, revoked) };
  return { schemaVersion: 1, installation, line, assurance, ...named };
}

/** A person of the roster, and the keys that they sign with. @throws ResealError NOT_FOUND */
export function personOf({ around }: RotationDesk, id: string): PersonView {
  const { persons } = around.configuration().roster;
  const found = persons.find((person) => person.id === id);
  if (found === undefined)
    throw new ResealError('NOT_FOUND', `The roster knows no ${id}. It knows ${persons.map((person) => person.id).join(', ')}.`);
  const keys = found.keys.flatMap((key) => {
    const fingerprint = fingerprintOf(key.public);
    return fingerprint === null ? [] : [fingerprint];
  });
  return { schemaVersion: 1, id: found.id, name: found.name, keys };
}

/** The frozen bytes, so that whoever approves can compute the digest by themselves. @throws ResealError NOT_FOUND, USAGE */
export function manifestBytes({ around }: RotationDesk, line: string, digest: string): Promise<Uint8Array> {
  if (!isSha256(digest)) throw new ResealError('USAGE', `A manifest is named by its SHA-256, not by ${JSON.stringify(digest)}.`);
  return situationOf(around, line as LineName).store.manifest(digest);
}
