import type { SignedAdoption } from '../../src/domain/adopted-rosters.js';

/** What was adopted, and what became of it. */
export interface RosterAdopted {
  readonly number: number;
  /** Who has adopted it by now, the first one before. */
  readonly by: readonly string[];
}

/**
 * The adoption of rosters, judged by the configuration as it is now and by what the stores of its lines keep, whoever began the workflow. Errors are
 * ApplicationFailures typed by `ErrorCode`: STATEMENT_REFUSED, SIGNATURE_REFUSED, WRONG_TICKET, ALREADY_DECIDED, REFUSED, STORE_UNREACHABLE.
 */
export interface RosterActivities {
  /** Keeps a signed adoption in the store of every line; the same one again changes nothing, and brings it to stores that have not got it. */
  adoptRoster(signed: SignedAdoption): Promise<RosterAdopted>;
}
