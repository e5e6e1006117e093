import { reportStatement, signedAnswer } from '../../src/domain/node/report-signature.js';
import { reportSignature } from '../../src/statement/machine-key.js';
import type { AskedReport, ReportActivities, ReportJudgement } from './contract.js';

export const createReportActivities = (): ReportActivities => ({ judgeReport: (asked) => Promise.resolve(judgeReport(asked)) });

/** Whether an answer is signed by a key that is enrolled for who was asked, over this very order and nonce. */
export function judgeReport({ operation, order, sign, answer }: AskedReport): ReportJudgement {
  const signed = signedAnswer(answer);
  if (signed === null) return { counts: false, reason: 'it is not signed' };
  const standing = reportSignature(reportStatement(operation, order, sign.nonce, signed.body), signed.signature, sign.keys);
  switch (standing.kind) {
    case 'declared':
      return { counts: true };
    case 'stranger':
      return { counts: false, reason: `it is signed by another key (${standing.fingerprint})` };
    case 'invalid':
      return { counts: false, reason: standing.reason };
  }
}
