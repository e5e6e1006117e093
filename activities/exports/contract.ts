import type { Instant, LineName, PersonId, Sha256 } from '../../src/domain/brands.js';
import type { ExportedIdentity, ExportStatus, OpenedExport } from '../../src/domain/exports/export.js';
import type { ExportBinding, ExportRequestStatement, ExportWord, Spoken } from '../../src/domain/exports/statement.js';
import type { AsOfNow } from '../../workflows/node-request.js';
import type { Judgement } from '../approvals/contract.js';

/** What a request for an export is begun with. */
export interface ExportRequest {
  readonly request: Spoken<ExportRequestStatement>;
  /** Public half of the one-time key that the control API keeps, `age1…`. */
  readonly oneTime: string;
}

/** What an export that is approved is about, for the store's history. */
export interface ExportContext {
  readonly id: string;
  readonly line: LineName;
  readonly ticket: string;
  readonly binds: ExportBinding;
  readonly approvedBy: readonly PersonId[];
}

/** What was said in somebody's name and was not theirs. */
export type RefusedWord = Spoken<ExportWord> & { readonly at: Instant; readonly reason: string };

/** An export's dealings with configuration, roster and store. Errors are ApplicationFailures typed by `ErrorCode`. */
export interface ExportActivities {
  /**
   * Judges a request by the configuration as it is now, whoever began the workflow: who asks, whether they may, and whether what they ask is what is declared.
   * Fails with NOT_ENTITLED, SIGNATURE_NEEDED, SIGNATURE_REFUSED, STATEMENT_REFUSED, WRONG_TICKET, NOT_FOUND, REFUSED, CONFIG_INVALID.
   */
  openExport(asked: ExportRequest): Promise<OpenedExport>;
  /** Judges a signature, or a name, by the keys that were frozen and by the roster of now. */
  judgeExportWord(
    asked: Spoken<ExportWord> & {
      readonly keys: readonly string[];
      readonly approvals: readonly { readonly person: PersonId; readonly key: string | null }[];
    },
  ): Promise<Judgement<string | null>>;
  /** Freezes the configuration of the moment, for the order to the node that follows; in the audit log that is the intent, whoever serves the node. */
  orderExport(of: ExportContext): Promise<AsOfNow>;
  /** Writes what was sealed into the line's store. The answer is the digest of the document that holds it. */
  keepExport(of: ExportContext & { readonly exported: ExportedIdentity }): Promise<Sha256>;
  /** The closing record, with every word that counted and those with a signature that did not, into the line's store. The answer is its digest. */
  closeExport(closing: {
    readonly status: ExportStatus;
    readonly words: readonly Spoken[];
    readonly refused: readonly RefusedWord[];
  }): Promise<Sha256>;
}
