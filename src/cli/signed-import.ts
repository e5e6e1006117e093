import { mustBeSignedBy, mustCountByName } from '../../activities/approvals/judge.js';
import { authorityOf } from '../../activities/rotation/surroundings.js';
import type { Configuration } from '../configuration/load.js';
import type { LineName, PersonId } from '../domain/brands.js';
import { ResealError } from '../domain/errors.js';
import { keptImport, type KeptImport } from '../domain/imports/kept.js';
import { MOST_NAMED, readImport, type ImportStatement, type Taken } from '../domain/imports/statement.js';
import type { Said } from '../domain/rotation/statement.js';
import { importStatementText } from '../presenters/import-statement.js';
import { personSignature, signStatement } from '../statement/person.js';
import { fingerprintOf } from '../statement/standing.js';
import type { Context } from './command.js';
import { saidNow } from './said.js';
import { mustConsent, mustShowWhole, withKeyAmong } from './signing-key.js';

export interface Importer {
  readonly by: string;
  readonly ticket: string;
  /** As the command names it. */
  readonly key: string | undefined;
}

/**
 * What a person takes into a store for a line of it, by their signature where the roster has a key of theirs or one is named; by name alone where names count. It is
 * judged here as workers judge it later, so that what would stop a rotation is found out now.
 * @param lines that it may be for: a signature is for one
 * @throws ResealError SIGNATURE_NEEDED, SIGNATURE_REFUSED, REFUSED where they say no, USAGE
 */
export async function signImport(
  context: Context,
  configuration: Configuration,
  lines: readonly LineName[],
  { by, ticket, key: named }: Importer,
  taken: Taken,
): Promise<KeptImport> {
  const person = by as PersonId;
  const authorities = lines.map((line) => authorityOf(configuration, line, 0));
  const keys = configuration.roster.persons.find(({ id }) => id === person)?.keys.map((key) => key.public) ?? [];
  const fingerprints = async (): Promise<readonly string[]> => keys.flatMap((key) => fingerprintOf(key) ?? []);
  return withKeyAmong(context, by, named, fingerprints, async (key) => {
    if (key === null) {
      for (const authority of authorities) mustCountByName(authority, person);
      return keptImport(by);
    }
    const line = oneOf(lines);
    const statement = draft(context, { installation: configuration.topology.installation, line, person, ticket }, taken);
    mustShowWhole(context);
    await mustConsent(context, importStatementText(statement, key, context.output, context.now()));
    const signature = await signStatement(statement, key, context.env);
    mustBeSignedBy(person, personSignature(statement, signature, keys));
    return keptImport(by, { signed: { statement, signature } });
  });
}

function oneOf(lines: readonly LineName[]): LineName {
  const [line] = lines;
  if (line !== undefined && lines.length === 1) return line;
  throw new ResealError('USAGE', `What is signed is for one line: say which with --line, one of ${lines.join(', ')}.`);
}

function draft({ now }: Context, said: Pick<Said, 'installation' | 'line' | 'person' | 'ticket'>, taken: Taken): ImportStatement {
  const { person, ticket, installation, line } = said;
  const read = readImport({ ...saidNow({ as: person, ticket }, now()), installation, line, mode: 'production', ...taken });
  if (read.kind === 'import') return read.statement;
  throw new ResealError('USAGE', `This cannot be signed: ${read.reason}. One statement names at most ${MOST_NAMED} profiles or copies.`);
}
