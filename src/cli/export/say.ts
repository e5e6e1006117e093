import { ResealError } from '../../domain/errors.js';
import { readExportStatement, type ExportBinding, type ExportStatement } from '../../domain/exports/statement.js';
import { exportStatementText, exportText } from '../../presenters/export-text.js';
import type { ExportView } from '../../presenters/export.js';
import { signStatement } from '../../statement/person.js';
import { ApiClient } from '../api-client.js';
import type { Context } from '../command.js';
import { saidNow, type Said } from '../said.js';
import { KEY_OPTION, withSigningKey } from '../signing-key.js';

export const ARGUMENTS = { id: { kind: 'text', description: 'Export, as 97134e8c-1f2a3b4c', required: true } } as const;
export const SAID = {
  as: { kind: 'text', description: 'The person who says it, by the roster', required: true, value: 'PERSON' },
  ticket: { kind: 'text', description: 'Ticket id', required: true, value: 'TICKET' },
  ...KEY_OPTION,
} as const;

export interface Speaker extends Said {
  readonly key: string | undefined;
}

export const exportPath = (id: string, rest = ''): string => `/v1/exports/${encodeURIComponent(id)}${rest}`;

/** Of a statement everything but what it says. */
export type Own = Readonly<Record<string, unknown>> & { readonly says: ExportStatement['says'] };

/** What is signed is what the other side reads: no more, no less. @throws ResealError USAGE */
export function draftExport(
  where: { readonly installation: string; readonly line: string },
  said: Said,
  own: Own,
  now: number,
): ExportStatement {
  const read = readExportStatement({
    ...{ ...saidNow(said, now), installation: where.installation, mode: 'production', line: where.line },
    ...own,
  });
  if (read.kind === 'statement') return read.statement;
  throw new ResealError('USAGE', `This cannot be said: ${read.reason}.`);
}

/** Shows a statement in words, asks whoever sits there, signs it where the person has a key, and sends it. */
export function sayExport<View>(
  context: Context,
  api: ApiClient,
  path: string,
  said: Speaker,
  statement: ExportStatement,
  more: readonly string[] = [],
): Promise<View> {
  return withSigningKey(context, api, said.as, said.key, async (key) => {
    const { output, now } = context;
    if (!output.json) output.diagnostic([...more, ...exportStatementText(statement, key, output, now())].join('\n'));
    // Who stops an export is asked nothing.
    const stops = statement.says === 'export-reject' || statement.says === 'export-withdraw';
    if (!stops && (await context.consent(key === null ? 'Say this?' : 'Sign this?')) === 'no')
      throw new ResealError('REFUSED', `Nothing was ${key === null ? 'said' : 'signed'}.`);
    const signature = key === null ? null : await signStatement(statement, key, context.env);
    return api.post<View>(path, { statement, signature });
  });
}

/** An export as it stands. @throws ResealError DIGEST_MISMATCH where another one is shown */
export async function readExport(api: ApiClient, id: string): Promise<ExportView['export']> {
  const { export: shown } = await api.get<ExportView>(exportPath(id));
  if (shown.id === id && shown.binds.export === id) return shown;
  throw new ResealError('DIGEST_MISMATCH', `Asked for ${id}, the control API shows ${shown.id}. Nothing was signed; find out who answers there.`); // prettier-ignore
}

/** Says a word about an export, and shows it as it is then. @param own of the statement, by what the export is */
export async function tellExport(
  context: Context,
  id: string,
  verb: string,
  said: Speaker,
  own: (shown: { readonly id: string; readonly binds: ExportBinding }) => Own,
): Promise<void> {
  const api = await ApiClient.find(context);
  const shown = await readExport(api, id);
  const statement = draftExport(shown, said, own(shown), context.now());
  const view = await sayExport<ExportView>(context, api, exportPath(id, `/${verb}`), said, statement);
  context.output.show(view, () => exportText(view, context.output, context.now()));
}
