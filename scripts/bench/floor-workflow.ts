import { executeChild, proxyActivities } from '@temporalio/workflow';
import { nodeOptions } from '../../workflows/activities.js';

/** How many children a rotation runs side by side. */
const CHILDREN_AT_ONCE = 10;

export interface FloorInput {
  readonly activities: number;
  readonly perChild: number;
  /** Length of an activity's JSON argument, in bytes. */
  readonly inputBytes: number;
  /** Milliseconds, as the node operations of a rotation have it. */
  readonly operationTimeout: number;
}

/** What Temporal alone costs: empty activities in children, as a rotation's node operations are spread over its steps. */
export async function floor(input: FloorInput): Promise<void> {
  const sizes: number[] = [];
  for (let left = input.activities; left > 0; left -= input.perChild) sizes.push(Math.min(left, input.perChild));
  const one = async (): Promise<void> => {
    for (let size = sizes.shift(); size !== undefined; size = sizes.shift()) {
      await executeChild(floorStep, { args: [{ ...input, activities: size }] });
    }
  };
  await Promise.all(Array.from({ length: CHILDREN_AT_ONCE }, one));
}

export async function floorStep(input: FloorInput): Promise<void> {
  const { empty } = proxyActivities<{ empty(padding: string): Promise<string> }>(nodeOptions(input.operationTimeout));
  // Two of the bytes are the quotes.
  const padding = 'x'.repeat(Math.max(0, input.inputBytes - 2));
  await Promise.all(Array.from({ length: input.activities }, () => empty(padding)));
}
