import type { LineName, NodeName, Sha256 } from '../../src/domain/brands.js';
import type { ReturningTerms } from '../../src/domain/returning.js';
import type { AsOfNow, NodeRestoreInput } from '../../workflows/node-request.js';

export interface ReturningLine {
  readonly line: LineName;
  /** In force, and what a rotation began with or people approved. */
  readonly manifest: Sha256;
}

export interface ReturningSurvey {
  readonly terms: ReturningTerms;
  /** Between two looks at every node, in milliseconds: that of the scan. */
  readonly everyNodeAfter: number;
  readonly audience: readonly string[];
  /** Those on which nothing is under way. */
  readonly lines: readonly ReturningLine[];
}

/** Which nodes of a line are looked at: `owed`, those that may be owed what is in force by what the ledger knows of them. */
export type WhichNodes = 'owed' | 'every-node';

/** Some nodes of a line, in the order of their names, and what they are asked by. */
export interface NodesToLookAt extends AsOfNow {
  readonly nodes: readonly {
    readonly node: NodeName;
    /** A sentence's part; null where nothing is known to be owed. */ readonly why: string | null;
  }[];
}

/** The dealings of the look for nodes that came back. Errors are ApplicationFailures typed by `ErrorCode`. */
export interface ReturningActivities {
  surveyReturning(): Promise<ReturningSurvey>;
  /** At most 100 of those whose names come after `after`; null where there are no more, or a rotation has begun on the line. No node is asked. */
  nodesToLookAt(asked: {
    readonly line: LineName;
    readonly which: WhichNodes;
    readonly after: NodeName | null;
  }): Promise<NodesToLookAt | null>;
  /** Takes a number of the line (same `key`, same number), by the standing ticket of scans; null where a rotation has begun, or the node is not declared any more. */
  orderReturn(asked: { readonly line: LineName; readonly node: NodeName; readonly key: string }): Promise<NodeRestoreInput | null>;
}
