import { ApplicationFailure, patched, workflowInfo } from '@temporalio/workflow';
import type { PersonId } from '../src/domain/brands.js';
import type { PurgeResult } from '../src/domain/node/purge.js';
import { handoutOf } from '../src/domain/node/routes.js';
import { mandates, nodesAtOnce } from './activities.js';
import { failedOrder } from './mandated.js';
import type { AskedNode, NodeRequest } from './node-request.js';
import { causeOf, whyNot } from './untaken.js';

export type NodePurge = PurgeResult | { readonly failed: string; readonly code: string };

/**
 * Destroys retired keychains of one node, at a person's word, which the worker judges; who and under which ticket stays in this workflow's history and the node's journal.
 * @throws ApplicationFailure where that word does not count
 */
export async function nodePurge(asked: AskedNode | NodeRequest): Promise<NodePurge> {
  // A run that began before anybody judged goes on as it began.
  const input = patched('purges-are-judged') || !('topology' in asked) ? await taken(asked) : asked;
  const now = Date.now();
  const handout = handoutOf(workflowInfo().taskQueue, input.node, input.routes, input.limits);
  try {
    return await nodesAtOnce(input.limits.nodeOperationTimeout, input.node, handout).purgeNode({
      node: input.node,
      line: input.line,
      rotation: `${input.line}-purge`,
      epoch: 0,
      opId: `purge by ${input.by}`,
      notAfter: now + input.limits.nodeOperationTimeout,
      sentAt: now,
      offset: 0,
      topology: input.topology,
      policy: input.policyDigest,
      ticket: input.ticket,
    });
  } catch (error) {
    const failed = whyNot(error, input.node, input.routes, handout);
    const cause = causeOf(error);
    return { failed, code: cause instanceof ApplicationFailure ? (cause.type ?? '') : 'NODE_UNREACHABLE' };
  }
}

async function taken(asked: AskedNode | NodeRequest): Promise<NodeRequest> {
  const { node, line, ticket } = asked;
  const by = asked.by as PersonId;
  const signed = 'signed' in asked ? asked.signed : undefined;
  const key = `purge/${node}/${workflowInfo().runId}`;
  try {
    const asOfNow = await mandates.orderPurge({ node, line, by, ticket, key, ...(signed === undefined ? {} : { signed }) });
    return { node, line, by, ticket, ...asOfNow };
  } catch (error) {
    throw failedOrder(error);
  }
}
