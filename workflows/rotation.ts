import { continueAsNew } from '@temporalio/workflow';
import { newRotation } from '../src/domain/rotation/machine.js';
import { drive } from './drive.js';
import type { RotationEnd, RotationInput } from './messages.js';

/** A line's rotation, as workflow `rotation/<line>`. Always closes as Completed, with its outcome. */
export async function rotation(input: RotationInput): Promise<RotationEnd> {
  const carried = input.carried ?? {
    state: newRotation(input.line, input.trigger, input.policy, input.offset, Date.now()),
    seq: 0,
    unrecorded: [],
    untold: [],
    rows: [],
  };
  const { line, trigger, offset, successors, signed, rights, authority } = input;
  const state = input.carried === undefined ? { ...carried.state, rights, authority } : carried.state;
  const request = {
    line,
    trigger,
    offset,
    ...(successors === undefined ? {} : { successors }),
    ...(signed === undefined ? {} : { signed }),
  };
  const driven = await drive({ ...carried, state }, request);
  return 'end' in driven ? driven.end : continueAsNew<typeof rotation>({ ...input, carried: driven.carry });
}
