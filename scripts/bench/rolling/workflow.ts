import { ApplicationFailure } from '@temporalio/workflow';
import type { NodeName, Sha256 } from '../../../src/domain/brands.js';
import type { NodeOrder } from '../../../src/domain/node/order.js';
import type { Handout } from '../../../src/domain/node/routes.js';
import type { NodeResult } from '../../../src/domain/node/report.js';
import { nodesWith } from '../../../workflows/activities.js';

export interface RollingInput {
  readonly nodes: readonly { readonly node: NodeName; readonly handout: Handout }[];
  readonly serial: number;
  readonly order: Pick<NodeOrder, 'line' | 'rotation' | 'epoch' | 'topology' | 'policy'>;
  readonly to: Sha256;
  /** Null: the nodes follow no manifest yet. */
  readonly from: Sha256 | null;
  /** Milliseconds. */
  readonly operationTimeout: number;
}

/** Stages and switches `serial` nodes at a time, by the same node operations as a rotation. */
export async function rolling(input: RollingInput): Promise<void> {
  for (let start = 0; start < input.nodes.length; start += input.serial)
    await Promise.all(input.nodes.slice(start, start + input.serial).map((one) => change(input, one)));
}

async function change(input: RollingInput, { node, handout }: RollingInput['nodes'][number]): Promise<void> {
  const nodes = nodesWith(input.operationTimeout, node, handout);
  const order = (task: string): NodeOrder => {
    const now = Date.now();
    const opId = `${input.order.rotation}/${task}/${input.order.epoch}`;
    return { ...input.order, node, opId, sentAt: now, notAfter: now + 2 * input.operationTimeout, offset: 0 };
  };
  done(await nodes.stageNode({ ...order('stage'), to: input.to }));
  done(await nodes.switchNode({ ...order('switch'), target: input.to, revertTo: input.from }));
}

function done({ node, outcome, reason, passes }: NodeResult): void {
  if (outcome !== 'done') throw ApplicationFailure.nonRetryable(`${node}: ${outcome}: ${reason}`);
  if (passes !== undefined && passes !== 3) throw ApplicationFailure.nonRetryable(`${node} was probed ${passes} times`);
}
