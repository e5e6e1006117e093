import type { GivenRevocation } from '../../src/domain/revocations.js';

/** Where a word about a revocation is kept now. */
export interface RevocationKept {
  /** Names of stores. */
  readonly keptIn: readonly string[];
  /** Stores of lines that have not got it, with the reason in words that end a sentence. */
  readonly missing: readonly { readonly store: string; readonly reason: string }[];
}

/**
 * What people record of revoked certificates, judged by the configuration as it is now, whoever began the workflow. Errors are ApplicationFailures typed by
 * `ErrorCode`: STATEMENT_REFUSED, SIGNATURE_NEEDED, SIGNATURE_REFUSED, NOT_ENTITLED, WRONG_TICKET, STORE_UNREACHABLE.
 */
export interface RevocationActivities {
  /**
   * Keeps it in the store of every line, and with it whatever another store has and that one lacks, as far as it is proven. One store that is away keeps it from no other
   * one. The same again changes nothing.
   */
  recordRevocation(given: GivenRevocation): Promise<RevocationKept>;
}
