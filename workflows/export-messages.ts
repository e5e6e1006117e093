import { ApplicationFailure, defineQuery, defineUpdate } from '@temporalio/workflow';
import type { ExportRequest } from '../activities/exports/contract.js';
import type { ExportStatus } from '../src/domain/exports/export.js';
import { readExportStatement, type ExportWord, type Spoken } from '../src/domain/exports/statement.js';
import { LONGEST_SIGNATURE } from '../src/domain/signing/standing.js';

export type KeyExportInput = ExportRequest;

/** What people say of an export; what each says is in the statement. */
export const exportWordUpdate = defineUpdate<ExportStatus, [Spoken<ExportWord>]>('say');
/** Null until the request was taken up. */
export const exportQuery = defineQuery<ExportStatus | null>('export');

/**
 * Reads what an Update brings: any client of Temporal may send one, and what TypeScript promises, nobody has checked.
 * @throws ApplicationFailure STATEMENT_REFUSED
 */
export function heardExport(given: unknown): Spoken<ExportWord> {
  const refuse = (reason: string): ApplicationFailure => ApplicationFailure.nonRetryable(reason, 'STATEMENT_REFUSED');
  if (given === null || typeof given !== 'object') throw refuse('a statement is an object');
  const { statement, signature } = given as Partial<Spoken>;
  const isSignature =
    signature === null || (typeof signature === 'string' && signature.length <= LONGEST_SIGNATURE && /^[\x20-\x7e\r\n]+$/.test(signature));
  if (!isSignature) throw refuse('a statement comes with its signature, as ssh-keygen writes it, or with null');
  const read = readExportStatement(statement);
  if (read.kind === 'none') throw refuse(`no statement can be read here: ${read.reason}`);
  if (read.statement.says === 'export-request') throw refuse('an export that was asked for cannot be asked for again');
  return { statement: read.statement, signature };
}
