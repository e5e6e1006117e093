import type { NodeName } from '../../src/domain/brands.js';
import type { Asking } from '../../src/domain/mandate.js';
import type { AsOfNow, NodeRestoreInput } from '../../workflows/node-request.js';

/** What somebody asks of a node, by whose word, and for what it counts. */
export interface AskedOfNode extends Asking {
  readonly node: NodeName;
  /** Of the run that carries it out: a signed mandate counts for one. */
  readonly key: string;
}

export interface AskedRelease extends AskedOfNode {
  readonly holder: string;
  readonly job: string | null;
}

/**
 * What people ask of nodes outside of rotations, judged by the configuration as it is now, whoever began the workflow, before anything is touched. A signed
 * mandate counts for one `key`, and is kept in the line's store with its signature. Errors are ApplicationFailures typed by `ErrorCode`: NOT_ENTITLED, WRONG_TICKET,
 * SIGNATURE_NEEDED, SIGNATURE_REFUSED, STATEMENT_REFUSED, ALREADY_DECIDED, NOT_FOUND, REFUSED, ROTATION_IN_FLIGHT.
 */
export interface MandateActivities {
  /** Takes a number of the line (same `key`, same number), for what is in force there. */
  orderRestore(asked: AskedOfNode): Promise<NodeRestoreInput>;
  orderPurge(asked: AskedOfNode): Promise<AsOfNow>;
  orderRelease(asked: AskedRelease): Promise<void>;
  /**
   * What nobody asked for restores what people approved, under the standing ticket and the number that this very look was allotted, and nothing else.
   * Fails with SIGNATURE_NEEDED, REFUSED.
   * @param input `key`: what the look took its number for
   */
  judgeReturn(
    input: Pick<NodeRestoreInput, 'line' | 'node' | 'by' | 'ticket' | 'manifest' | 'number'> & { readonly key: string },
  ): Promise<void>;
}
