import { ApplicationFailure } from '@temporalio/common';
import { ResealError } from '../../src/domain/errors.js';
import type { LedgerActivities } from './contract.js';

/** A database that is away is worth every retry that the workflow's options allow; the type says which it was. */
async function asFailure(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof ResealError)) throw error;
    throw ApplicationFailure.create({ message: error.message, type: error.code, cause: error });
  }
}

/** The ledger's writes as activities. The whole ledger may be given; only these four are registered. */
export function createLedgerActivities(ledger: LedgerActivities): LedgerActivities {
  return {
    recordRotation: (status) => asFailure(() => ledger.recordRotation(status)),
    recordEvents: (events) => asFailure(() => ledger.recordEvents(events)),
    recordNodes: (rows) => asFailure(() => ledger.recordNodes(rows)),
    saveNodeReports: (line, reports) => asFailure(() => ledger.saveNodeReports(line, reports)),
  };
}
