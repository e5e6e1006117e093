import { continueAsNew, workflowInfo } from '@temporalio/workflow';
import type { HistoryEvent } from '../src/domain/rotation/history.js';
import type { RotationState } from '../src/domain/rotation/state.js';
import { desk } from './activities.js';
import { drive } from './drive.js';
import { isHandedOn } from './handed-on.js';
import type { IncidentInput, RotationEnd } from './messages.js';
import { orRefused } from './or-refused.js';

/**
 * Brings the mesh back from a completed rotation, as workflow `rotation/<line>`: the same plan as within a rotation, after node
 * truth, horizon and certificates have been checked again.
 */
export async function incidentRollback(input: IncidentInput): Promise<RotationEnd> {
  // Only a run of its own hands its state on.
  if (input.carried !== undefined && isHandedOn(workflowInfo())) return goOn(input, input.carried);
  const prepared = await orRefused(
    desk.prepareIncident({
      rotation: input.rotation,
      request: input.request,
      key: workflowInfo().firstExecutionRunId,
      askedAt: workflowInfo().startTime.getTime(),
    }),
  );
  if ('refused' in prepared) return { id: input.rotation, outcome: 'refused', reasons: prepared.refused };
  if (prepared.state === null) return { id: input.rotation, outcome: 'refused', reasons: prepared.reasons };
  return goOn(input, { state: prepared.state, seq: 1, unrecorded: [askedFor(input, prepared.state)], untold: [], rows: [] });
}

/** The first line of the record, as of every rotation. */
const askedFor = ({ rotation }: IncidentInput, { id, trigger }: RotationState): HistoryEvent => ({
  rotation: id,
  seq: 1,
  at: Date.now(),
  kind: 'phase',
  actor: trigger.by,
  text: `asked for by ${trigger.by} under ${trigger.ticket}, to undo ${rotation}`,
  data: { trigger, undoes: rotation },
});

async function goOn(input: IncidentInput, carried: NonNullable<IncidentInput['carried']>): Promise<RotationEnd> {
  const driven = await drive(carried, input.request);
  return 'end' in driven ? driven.end : continueAsNew<typeof incidentRollback>({ ...input, carried: driven.carry });
}
