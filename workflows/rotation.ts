import { continueAsNew, workflowInfo } from '@temporalio/workflow';
import { newRotation } from '../src/domain/rotation/machine.js';
import { drive } from './drive.js';
import { isHandedOn } from './handed-on.js';
import type { RotationEnd, RotationInput } from './messages.js';

/** A line's rotation, as workflow `rotation/<line>`. Always closes as Completed, with its outcome. */
export async function rotation(input: RotationInput): Promise<RotationEnd> {
  // Only a run of its own hands its state on: whoever starts a rotation says nothing of how far it has come.
  const handedOn = isHandedOn(workflowInfo()) ? input.carried : undefined;
  const carried = handedOn ?? {
    state: newRotation(input.line, input.trigger, input.policy, input.offset, Date.now()),
    seq: 0,
    unrecorded: [],
    untold: [],
    rows: [],
  };
  const { line, trigger, offset, successors, signed, emergency, rights, authority } = input;
  const urgency = emergency === undefined ? {} : { emergency };
  const state = handedOn === undefined ? { ...carried.state, rights, authority, ...urgency } : carried.state;
  const request = {
    line,
    trigger,
    offset,
    ...(successors === undefined ? {} : { successors }),
    ...(signed === undefined ? {} : { signed }),
    ...urgency,
  };
  const driven = await drive({ ...carried, state }, request);
  return 'end' in driven ? driven.end : continueAsNew<typeof rotation>({ ...input, carried: driven.carry });
}
