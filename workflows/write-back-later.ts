import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { ParentClosePolicy, startChild, workflowInfo } from '@temporalio/workflow';
import type { RotationState } from '../src/domain/rotation/state.js';
import { statusOf } from '../src/domain/rotation/status.js';
import { failedInWords, nextTry, writeBackOf, type WrittenBack } from '../src/domain/write-back.js';
import type { Deliveries } from './deliveries.js';
import type { successorsWriteBack, WriteBackInput } from './successors-write-back.js';

/** A source that does not take the successors keeps no rotation open: they are brought to it after the rotation, and people are told. */
export async function writeBackLater(state: RotationState, { notTaken }: WrittenBack, deliveries: Deliveries): Promise<void> {
  const asked = writeBackOf(state);
  if (asked === null) return;
  const audience = state.policy.audience.owner;
  const since = Date.now();
  const again = nextTry(1, since, since);
  if (again !== null && notTaken.length > 0) {
    const text = failedInWords(asked.id, notTaken, again);
    deliveries.note({ kind: 'remark', text, data: { notTaken } });
    deliveries.send('successor', text, audience);
  }
  const input: WriteBackInput = { asked, audience, status: statusOf(state, since), seq: deliveries.reserve(), since, failures: 1 };
  try {
    await startChild<typeof successorsWriteBack>('successorsWriteBack', {
      workflowId: `${workflowInfo().workflowId}/write-back/${asked.id}`,
      args: [input],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      staticSummary: `successors of ${asked.id} into ${notTaken.map(({ source }) => source).join(', ')}`,
    });
  } catch (error) {
    // A rotation that was reset in Temporal closes once more.
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}
