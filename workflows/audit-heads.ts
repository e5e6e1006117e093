import { newestHeads, type AuditHead } from '../src/domain/audit/record.js';

/** Of this workflow alone: the bundle is instantiated for each. */
let seen: readonly AuditHead[] = [];

/** Heads of the chains in which lies what this workflow had done, the newest of each. */
export const headsSeen = (): readonly AuditHead[] => seen;

export function noteHeads(heads: readonly AuditHead[] | undefined): void {
  if (heads !== undefined && heads.length > 0) seen = newestHeads([...seen, ...heads]);
}
