import { workflowInfo } from '@temporalio/workflow';
import type { LineName, NodeName, Sha256 } from '../src/domain/brands.js';
import type { NodeReport } from '../src/domain/node/report.js';
import { handoutOf } from '../src/domain/node/routes.js';
import { ledger, nodesAtOnce } from './activities.js';
import type { AsOfNow } from './node-request.js';
import { whyNot } from './untaken.js';

export interface NodeInspectionInput extends AsOfNow {
  readonly line: LineName;
  /** At most 100. */
  readonly nodes: readonly NodeName[];
  /** What should be active. */
  readonly manifest: Sha256;
  readonly offset: number;
  /** Reports name every check, not only those that did not pass. */
  readonly everyCheck?: boolean;
}

export interface NodeInspection {
  readonly reports: readonly NodeReport[];
  readonly unreachable: readonly { readonly node: NodeName; readonly reason: string }[];
}

/** Node truth of some nodes, asked for by a person; changes nothing. */
export async function nodeInspection(input: NodeInspectionInput): Promise<NodeInspection> {
  const now = Date.now();
  const order = {
    line: input.line,
    rotation: `${input.line}-inspection`,
    epoch: 0,
    opId: 'inspect',
    notAfter: now + input.limits.nodeOperationTimeout,
    sentAt: now,
    offset: input.offset,
    topology: input.topology,
    policy: input.policyDigest,
    manifest: input.manifest,
    ...(input.everyCheck === true ? { everyCheck: true } : {}),
  };
  const reports: NodeReport[] = [];
  const unreachable: { node: NodeName; reason: string }[] = [];
  await Promise.all(
    input.nodes.map(async (node) => {
      const handout = handoutOf(workflowInfo().taskQueue, node, input.routes, input.limits);
      try {
        reports.push(await nodesAtOnce(input.limits.nodeOperationTimeout, node, handout).inspectNode({ ...order, node }));
      } catch (error) {
        unreachable.push({ node, reason: whyNot(error, node, input.routes, handout) });
      }
    }),
  );
  // The ledger keeps what every report has.
  const brief = reports.map(({ checks: _checks, ...report }) => report);
  if (brief.length > 0) await ledger.recordStep({ line: input.line, rows: [], reports: brief });
  return { reports, unreachable };
}
