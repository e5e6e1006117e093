import type { NodeName } from '../brands.js';

/**
 * Who can read a payload: the control plane alone, or it and the agent of one node, or it and the gateway of one region.
 * Whoever serves a node from the installation's own workers is the control plane.
 */
export type Audience = 'control' | `node/${string}` | `gateway/${string}`;

export const nodeAudience = (node: string): Audience => `node/${node}`;
export const gatewayAudience = (region: string): Audience => `gateway/${region}`;

export const isAudience = (text: string): text is Audience => text === 'control' || /^(?:node|gateway)\/./.test(text);

/** Task queues of agents and gateways are named after the installation's own (`agentQueue`, `gatewayQueue`); any other is its workers'. */
export function audienceOfQueue(taskQueue: string): Audience {
  const served = /\/((?:node|gateway)\/.+)$/.exec(taskQueue)?.[1];
  return served !== undefined && isAudience(served) ? served : 'control';
}

/**
 * The id of an activity that is not the control plane's: Temporal tells a codec the id of the activity whose payloads it is given and not its task queue.
 * @param seq unique in the workflow
 */
export const activityIdFor = (seq: number, audience: Audience): string => (audience === 'control' ? String(seq) : `${seq}/${audience}`);

export function audienceOfActivity(activityId: string | undefined): Audience {
  const named = /^[0-9]+\/(.+)$/.exec(activityId ?? '')?.[1];
  return named !== undefined && isAudience(named) ? named : 'control';
}

/** Whose a payload is, as Temporal tells a codec. */
export type Owner =
  { readonly type: 'workflow'; readonly workflowId: string } | { readonly type: 'activity'; readonly activityId?: string | undefined };

/** The seats of a node are asked for by whoever serves it: its agent or its gateway too. */
const nodeOfSeat = (workflowId: string): NodeName | null => (/^seat\/(?:.+\/)?([^/]+)$/.exec(workflowId)?.[1] ?? null) as NodeName | null;

/** @param servedBy who serves a node, as the configuration has it */
export function audienceOf(owner: Owner | undefined, servedBy: (node: NodeName) => Audience): Audience {
  if (owner === undefined) return 'control';
  if (owner.type === 'activity') return audienceOfActivity(owner.activityId);
  const node = nodeOfSeat(owner.workflowId);
  return node === null ? 'control' : servedBy(node);
}

/**
 * Whether what belongs to `owner` may have been written under a key of `audience`: a node's key, stolen, says nothing to a rotation. The gateway of a region may
 * speak for the seats of any node, since a host may have been moved to another region since. An unknown owner (somebody reads a history) is not judged.
 */
export function mayWrite(audience: Audience, owner: Owner | undefined): boolean {
  if (audience === 'control' || owner === undefined) return true;
  if (owner.type === 'activity') return audienceOfActivity(owner.activityId) === audience;
  const node = nodeOfSeat(owner.workflowId);
  return node !== null && (audience === nodeAudience(node) || audience.startsWith('gateway/'));
}
