import type { AuditHead } from './record.js';

/** The header of an activity whose workflow takes the answer out of its envelope: workers of before send it none, and get none. */
export const AUDIT_HEADER = 'reseal-audit';

/** What an activity that has an effect answers where it is asked so: the head of the chain that its record is in, beside its own answer. */
export interface AuditedAnswer {
  readonly auditHead: AuditHead;
  readonly answer?: unknown;
}

/** Null where the answer came as it is. */
export function auditedAnswer(answer: unknown): AuditedAnswer | null {
  return typeof answer === 'object' && answer !== null && 'auditHead' in answer ? (answer as AuditedAnswer) : null;
}
