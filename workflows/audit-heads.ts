import { isOfNodes, newestHeads, type AuditHead } from '../src/domain/audit/record.js';

/** A head takes some 170 bytes, and a payload at most two megabytes. */
const MOST_OF_NODES = 5_000;

/** Of this workflow alone: the bundle is instantiated for each. */
let seen: readonly AuditHead[] = [];

/** Heads of the chains in which lies what this workflow had done, the newest of each. */
export const headsSeen = (): readonly AuditHead[] => seen;

/** Those of workers: there are a few of them, and of nodes thousands. */
export const headsOfWorkers = (): readonly AuditHead[] => seen.filter(({ chain }) => !isOfNodes(chain));

export const haveNodesTold = (): boolean => seen.some(({ chain }) => isOfNodes(chain));

export function noteHeads(heads: readonly AuditHead[] | undefined): void {
  if (heads === undefined || heads.length === 0) return;
  const newest = newestHeads([...seen, ...heads]);
  const ofNodes = newest.filter(({ chain }) => isOfNodes(chain));
  const kept = new Set(ofNodes.slice(0, MOST_OF_NODES));
  seen = ofNodes.length <= MOST_OF_NODES ? newest : newest.filter((head) => !isOfNodes(head.chain) || kept.has(head));
}
