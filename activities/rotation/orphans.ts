import type { LineName, RotationId } from '../../src/domain/brands.js';
import type { Orphan } from '../../src/domain/rotation/orphan.js';
import type { LeftBehind } from './contract.js';

/** What is known of rotations that nothing drives any more: the record says which have not ended, Temporal what is under way. */
export interface Orphans {
  /**
   * The newest rotation of a line, where it is orphaned; else null. While the ledger is away nobody knows of one: null.
   * @throws ResealError STORE_UNREACHABLE
   */
  on(line: LineName): Promise<Orphan | null>;
  /**
   * What the run of a rotation that was cut off says of itself.
   * @param workflowId of the line's rotations
   * @throws ResealError REFUSED where there is none, or it has ended or is under way; TEMPORAL_UNREACHABLE while nobody answers for it
   */
  leftBehind(workflowId: string, id: RotationId): Promise<LeftBehind>;
}
