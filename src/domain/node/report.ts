import type { Instant, NodeName, Sha256 } from '../brands.js';
import type { LockedKeychain } from './locked-keychain.js';
import type { NodePins, PinsSeen } from './pins.js';
import type { CheckResult, Verdict } from './probe.js';

/** What `security find-identity -v -p codesigning` comes down to: no name and no fingerprint, only digests and a count (S7, S8). */
export interface IdentitySummary {
  /** SHA-256 of the output as it came; changes with the order of the search list. */
  readonly raw: Sha256;
  /** SHA-256 of the usable identities, sorted: equal where two nodes can sign with the same. */
  readonly sorted: Sha256;
  readonly usable: number;
}

/** Node truth on one line, read off the node now. */
export interface NodeReport {
  readonly node: NodeName;
  /** The node's own clock. */
  readonly at: Instant;
  readonly protocol: number;
  readonly version: string;
  readonly image: string;
  /** SHA-256 of the bytes of `<mount>/<line>/profiles.json`, or of the node's pointer on a published volume; null where there is none. */
  readonly active: Sha256 | null;
  readonly accepted: readonly Sha256[];
  /** Highest epoch admitted on the line; 0 where none. */
  readonly epoch: number;
  /** Null where the node has no keychains, or did not say; missing in reports of versions before it was asked. */
  readonly identities?: IdentitySummary | null;
  /** At most 20 of them; missing in reports of versions that did not look for any. */
  readonly pins?: NodePins;
  readonly verdict: Verdict;
  /** Only the checks that did not pass, at most 20; `findings` has what is worth saying and fails nothing. */
  readonly problems: readonly CheckResult[];
  readonly findings: readonly string[];
  /** A person brought back what it serves, on the spot: nobody but people takes it away again. Missing: no. */
  readonly brokenGlass?: boolean;
  /** Every check in its order; only where a person asked for it, since a step's reports go through Temporal by the hundred. */
  readonly checks?: readonly CheckResult[];
}

/**
/**
 * How an operation on a node ended; a decided outcome, as opposed to an error that is worth a retry. `locked`: a keychain did not open, the node serves
 * what it served before, and its line declares what is to be done then. `pinned`: builds on it hold what was to go, and it is all there still.
 */
export type NodeOutcome = 'done' | 'failed' | 'inconclusive' | 'unreachable' | 'locked' | 'pinned';

export interface NodeResult {
  readonly node: NodeName;
  readonly outcome: NodeOutcome;
  /** Digest of the active manifest when the operation ended; null where there is none or it is not known. */
  readonly active: Sha256 | null;
  /** Consecutive passes at the end (switch only). */
  readonly passes?: number;
  /** A sentence; empty when done. */
  readonly reason: string;
  /** With the outcome `locked`, and no other. */
  readonly locked?: LockedKeychain;
  /** Builds there, after a probe and where an operation is `pinned`. */
  readonly pins?: PinsSeen;
  /** What is worth a line of the record though nothing is wrong with the node. */
  readonly remark?: string;
}
