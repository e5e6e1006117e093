import { continueAsNew, workflowInfo } from '@temporalio/workflow';
import type { LeftBehind } from '../activities/rotation/contract.js';
import type { HistoryEvent } from '../src/domain/rotation/history.js';
import { adopting } from './activities.js';
import { drive } from './drive.js';
import { isHandedOn } from './handed-on.js';
import type { AdoptionInput, RotationEnd } from './messages.js';
import { orRefused } from './or-refused.js';

/**
 * Goes on with a rotation whose workflow has ended without an outcome, as workflow `rotation/<line>`. How far it had come, the run that was cut off says, by a
 * worker's question to Temporal: whoever starts this only names it.
 */
export async function adoptedRotation(input: AdoptionInput): Promise<RotationEnd> {
  // Only a run of its own hands its state on.
  if (input.carried !== undefined && isHandedOn(workflowInfo())) return goOn(input, input.carried);
  const { workflowId, firstExecutionRunId: key, startTime } = workflowInfo();
  const found = await orRefused(adopting.adoptRotation({ ...input.asked, workflowId, key, askedAt: startTime.getTime() }));
  if ('refused' in found) return { id: input.asked.rotation, outcome: 'refused', reasons: found.refused };
  const { request, seq, unrecorded, ...left } = found;
  return goOn(input, { request, rotation: { ...left, seq: seq + 1, unrecorded: [...unrecorded, adoption(found)] } });
}

/** The line of the record that tells the two runs apart. */
function adoption({ state, seq }: LeftBehind): HistoryEvent {
  const last = state.adoptions?.at(-1);
  return {
    rotation: state.id,
    seq: seq + 1,
    at: Date.now(),
    kind: 'adopted',
    actor: last?.by ?? 'reseal',
    text: `adopted in ${state.phase} by ${last?.by} under ${last?.ticket}: its workflow had ended without an outcome`,
    data: { ...last },
  };
}

async function goOn(input: AdoptionInput, { request, rotation }: NonNullable<AdoptionInput['carried']>): Promise<RotationEnd> {
  const driven = await drive(rotation, request);
  return 'end' in driven ? driven.end : continueAsNew<typeof adoptedRotation>({ ...input, carried: { request, rotation: driven.carry } });
}
