import type { NodeActivities } from '../../activities/node/contract.js';
import type { NodeName, Sha256 } from '../../src/domain/brands.js';
import { NODE_PROTOCOL } from '../../src/domain/node/order.js';
import type { NodeResult } from '../../src/domain/node/report.js';

/** `none`: nodes that do nothing, so that what a rotation costs without them can be told. */
export type NodeWork = 'real' | 'none';

const done = (node: NodeName, active: Sha256): NodeResult => ({ node, outcome: 'done', active, passes: 3, reason: '' });

/** Answers as long as real ones, at once. */
export const idleNodes = (): NodeActivities => ({
  inspectNode: async ({ node, manifest }) => ({
    ...{ node, at: Date.now(), protocol: NODE_PROTOCOL, version: '0.1.0', image: 'none', active: manifest, accepted: [manifest] },
    ...{ epoch: 1, verdict: 'pass', problems: [], findings: [] },
  }),
  stageNode: async ({ node, to }) => done(node, to),
  switchNode: async ({ node, target }) => done(node, target),
  retireNode: async ({ node, keep }) => done(node, keep),
  restoreNode: async ({ node, manifest }) => done(node, manifest),
  unstageNode: async ({ node, keep }) => done(node, keep),
  purgeNode: async () => ({ purged: [], kept: [] }),
  exportIdentity: () => Promise.reject(new Error('nodes that do nothing export nothing')),
  probeNodes: async ({ nodes, manifest }) => nodes.map((node) => done(node, manifest)),
});
