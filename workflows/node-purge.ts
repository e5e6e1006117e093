import { ApplicationFailure, workflowInfo } from '@temporalio/workflow';
import type { PurgeResult } from '../src/domain/node/purge.js';
import { handoutOf } from '../src/domain/node/routes.js';
import { nodesAtOnce } from './activities.js';
import type { NodeRequest } from './node-request.js';
import { causeOf, whyNot } from './untaken.js';

export type NodePurge = PurgeResult | { readonly failed: string; readonly code: string };

/** Destroys retired keychains of one node, at a person's word; who and under which ticket stays in this workflow's history and the node's journal. */
export async function nodePurge(input: NodeRequest): Promise<NodePurge> {
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
