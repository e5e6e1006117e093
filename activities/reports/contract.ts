import type { AnsweredOrder, SignatureTerms } from '../../src/domain/node/report-signature.js';

export interface AskedReport {
  /** Name of the activity that was asked for. */
  readonly operation: string;
  readonly order: AnsweredOrder;
  readonly sign: SignatureTerms;
  /** As it came. */
  readonly answer: unknown;
}

export type ReportJudgement =
  | { readonly counts: true }
  /** In words that end a sentence. */
  | { readonly counts: false; readonly reason: string };

/** Run as a local activity, by the workers of the installation: nothing is read for it, and nothing can be away. */
export interface ReportActivities {
  judgeReport(asked: AskedReport): Promise<ReportJudgement>;
}
