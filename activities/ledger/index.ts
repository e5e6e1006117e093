import { ApplicationFailure } from '@temporalio/common';
import { ResealError } from '../../src/domain/errors.js';
import type { LedgerActivities, LedgerWrites } from './contract.js';

/** A database that is away is worth every retry that the workflow's options allow; the type says which it was. */
async function asFailure<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ResealError)) throw error;
    throw ApplicationFailure.create({ message: error.message, type: error.code, cause: error });
  }
}

/** The ledger's writes as activities. The whole ledger may be given; only these are registered. */
export function createLedgerActivities(ledger: LedgerWrites): LedgerActivities {
  return {
    recordProgress: ({ status, events }) =>
      asFailure(async () => {
        if (status !== null) await ledger.recordRotation(status);
        if (events.length > 0) await ledger.recordEvents(events);
      }),
    recordStep: ({ line, rows, reports }) =>
      asFailure(async () => {
        if (reports.length > 0) await ledger.saveNodeReports(line, reports);
        if (rows.length > 0) await ledger.recordNodes(rows);
      }),
    recordSeatUses: (uses) => asFailure(() => ledger.recordSeatUses(uses)),
    recordSignings: (signings) => asFailure(() => ledger.recordSignings(signings)),
    signings: (key) => asFailure(() => ledger.signings(key)),
    recordExport: (status) => asFailure(() => ledger.recordExport(status)),
  };
}
