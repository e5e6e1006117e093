import type { Policy } from '../policy.js';
import type { NodeDeclaration } from '../topology.js';

/** `<state>/node.json`: what topology and policy say of a node, for whoever works on the node itself. The gate reads it. */
export interface RenderedNode {
  readonly schemaVersion: 1;
  readonly node: string;
  readonly region: string;
  /** `retirement.maxBuildDuration` in whole seconds: for how long a build pins that does not say it. */
  readonly longestBuildSeconds: number;
}

/** As an order has it frozen: what a rotation has brought to a node says where that node is. */
export const renderedNode = ({ name, region }: NodeDeclaration, { retirement }: Policy): RenderedNode => ({
  schemaVersion: 1,
  node: name,
  region,
  longestBuildSeconds: Math.max(1, Math.ceil(retirement.maxBuildDuration / 1_000)),
});
