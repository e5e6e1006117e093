import { ApplicationFailure, CancellationScope, condition, isCancellation, setHandler, workflowInfo } from '@temporalio/workflow';
import type { NodeName } from '../src/domain/brands.js';
import { orderOf, type NodeOrder } from '../src/domain/node/order.js';
import type { NodeReport, NodeResult } from '../src/domain/node/report.js';
import { byHandout, handoutOf, nobodyThere, type Handout, type Routes } from '../src/domain/node/routes.js';
import { cohortName } from '../src/domain/rotation/status.js';
import { lookAt, type PinsLook } from '../src/domain/rotation/pins.js';
import type { RotationNodeRow } from '../activities/ledger/contract.js';
import type { AuditHead } from '../src/domain/audit/record.js';
import { headsSeen } from './audit-heads.js';
import { ledgerBriefly, ledgerPatiently, nodesWith, steadyDesk } from './activities.js';
import { stopSignal, type CohortStepInput } from './messages.js';
import { causeOf, isUntaken } from './untaken.js';

const CANARY = cohortName(0);

/** What a step reports: names only where something is to be said of a node. */
export interface CohortStepEnd {
  /** Positions of the range that had their turn or are named in `untried`. */
  readonly handled: number;
  readonly troubled: readonly NodeResult[];
  readonly untried: readonly NodeName[];
  readonly retried: readonly NodeName[];
  /** Rows that the ledger did not take; the rotation delivers them. */
  readonly unrecorded: readonly RotationNodeRow[];
  /** Lines for the rotation's record; missing in histories of before there were any. */
  readonly remarks?: readonly string[];
  /** Nodes whose builds hold what was to go; missing in histories of before pins were read. */
  readonly pinned?: readonly NodeName[];
  readonly pins?: PinsLook;
  /** Of the audit chains in which lies what was done; missing in histories of before there were any. */
  readonly audit?: readonly AuditHead[];
}

/** One task on at most `limits.stepNodes` nodes of a cohort, never more in flight than allowed. */
export async function cohortStep(input: CohortStepInput): Promise<CohortStepEnd> {
  let stopped = false;
  setHandler(stopSignal, () => {
    stopped = true;
  });
  const { cohorts, first, count, again } = input;
  const { nodes: range, routes } = await steadyDesk.cohortNodes({ cohorts, first, count, again });
  const queue = [...again, ...range.filter((node) => !input.except.includes(node))];

  const results: NodeResult[] = [];
  const reports: NodeReport[] = [];
  const begun = new Set<NodeName>();
  const notDone = (): number => results.filter((result) => result.outcome !== 'done').length;
  const mayBegin = (): boolean =>
    !stopped &&
    !(input.stopAtFirst && notDone() > 0) &&
    (input.inFlight === null || begun.size - results.length < input.inFlight - notDone());

  const work = async (): Promise<void> => {
    const running = new Set<Promise<void>>();
    for (const node of queue) {
      // A node that is unhealthy takes its place in the allowance for good: with none left, nothing more is begun.
      // Asked before it is waited for: with room for all, a thousand conditions would be looked at again after every result.
      if (input.inFlight !== null && !mayBegin()) await condition(() => mayBegin() || begun.size === results.length);
      if (!mayBegin()) break;
      begun.add(node);
      running.add(treat(input, node, routes, reports).then((result) => void results.push(result), ignoreCancellation));
    }
    await Promise.all(running);
  };

  try {
    await CancellationScope.cancellable(async () => {
      if (input.task !== 'probe') return work();
      queue.forEach((node) => begun.add(node));
      results.push(...(await probeAll(input, queue, routes)));
    });
  } catch (error) {
    if (!isCancellation(error)) throw error;
  }

  const unrecorded = await record(input, results, reports, CancellationScope.current());
  const done = new Set(results.map((result) => result.node));
  return {
    handled: input.count,
    troubled: results.filter((result) => result.outcome !== 'done' && result.outcome !== 'pinned'),
    untried: queue.filter((node) => !done.has(node)),
    retried: input.again.filter((node) => done.has(node)),
    unrecorded,
    ...remarksOf(results),
    ...pinsOf(input, results),
    ...(headsSeen().length === 0 ? {} : { audit: headsSeen() }),
  };
}

function remarksOf(results: readonly NodeResult[]): Pick<CohortStepEnd, 'remarks'> {
  const remarks = results.flatMap(({ remark }) => (remark === undefined ? [] : [remark]));
  return remarks.length === 0 ? {} : { remarks };
}

/** Builds on what goes next: of every node after a round of probes, of those that keep it after a removal. */
function pinsOf(input: CohortStepInput, results: readonly NodeResult[]): Pick<CohortStepEnd, 'pinned' | 'pins'> {
  const pinned = results.filter((result) => result.outcome === 'pinned');
  const pins = lookAt(input.task === 'probe' ? results : pinned, input.task === 'unstage' ? input.to : input.from);
  return { ...(pinned.length === 0 ? {} : { pinned: pinned.map((result) => result.node) }), ...(pins === null ? {} : { pins }) };
}

/** A node given up in flight has no result; the fence sees to it that it changes nothing later. */
function ignoreCancellation(error: unknown): void {
  if (!isCancellation(error)) throw error;
}

const order = (input: CohortStepInput, node: NodeName): NodeOrder => ({ ...orderForAll(input), node });

const orderForAll = (input: CohortStepInput): Omit<NodeOrder, 'node'> => orderOf(input.task, input, Date.now());

/** Runs the task's operation on one node; what cannot be retried any more becomes the node's outcome. */
async function treat(input: CohortStepInput, node: NodeName, routes: Routes, reports: NodeReport[]): Promise<NodeResult> {
  for (let renewed = 0; ; renewed++) {
    try {
      return await operate(input, node, routes, reports);
    } catch (error) {
      if (isCancellation(error)) throw error;
      const code = failureCode(error);
      // The order grew old in a queue or while the worker was away: a fresh one is as good as the first.
      if (code === 'ORDER_EXPIRED' && renewed < 3) continue;
      return unwell(input, node, routes, error);
    }
  }
}

const handout = (input: CohortStepInput, node: NodeName, routes: Routes): Handout | null =>
  handoutOf(workflowInfo().taskQueue, node, routes, input.limits);

function operate(input: CohortStepInput, node: NodeName, routes: Routes, reports: NodeReport[]): Promise<NodeResult> {
  const nodes = nodesWith(input.limits.nodeOperationTimeout, node, handout(input, node, routes));
  const { from, to } = input;
  switch (input.task) {
    case 'inspect':
      return nodes.inspectNode({ ...order(input, node), manifest: from, ...(to === from ? {} : { next: to }) }).then((report) => {
        reports.push(report);
        return resultOf(report);
      });
    case 'stage':
      return nodes.stageNode({ ...order(input, node), to });
    case 'switch':
      return nodes.switchNode({
        ...order(input, node),
        target: to,
        revertTo: input.forwardOnly === true ? null : from,
        ...(input.cohort === CANARY ? { canary: true } : {}),
      });
    case 'repair':
      return nodes
        .stageNode({ ...order(input, node), to })
        .then((staged) => (staged.outcome === 'done' ? nodes.switchNode({ ...order(input, node), target: to, revertTo: null }) : staged));
    case 'retire':
      return nodes.retireNode({ ...order(input, node), old: from, keep: to, ...pinOrders(input) });
    case 'restore':
      return nodes.restoreNode({ ...order(input, node), manifest: from });
    case 'return':
      return nodes.switchNode({ ...order(input, node), target: from, revertTo: null });
    case 'unstage':
      return nodes.unstageNode({ ...order(input, node), remove: to, keep: from, ...pinOrders(input) });
    case 'probe':
      throw ApplicationFailure.nonRetryable('probes go in batches', 'INTERNAL');
  }
}

const pinOrders = ({ pins }: CohortStepInput): { readonly pins?: 'ignore' } => (pins === 'ignore' ? { pins } : {});

function resultOf({ node, verdict, active, problems }: NodeReport): NodeResult {
  const outcome = ({ pass: 'done', fail: 'failed', inconclusive: 'inconclusive' } as const)[verdict];
  return { node, outcome, active, reason: problems.map((problem) => problem.reason).join('; ') };
}

/** Each worker that reaches some of the nodes looks at all of those together. */
async function probeAll(input: CohortStepInput, nodes: readonly NodeName[], routes: Routes): Promise<readonly NodeResult[]> {
  const batches = byHandout(nodes, (node) => handout(input, node, routes));
  return (await Promise.all(batches.map((batch) => probeTogether(input, batch.nodes, batch.handout, routes)))).flat();
}

/** A batch that breaks is probed node by node, so that the one at fault is known by name. */
async function probeTogether(
  input: CohortStepInput,
  nodes: readonly NodeName[],
  to: Handout | null,
  routes: Routes,
): Promise<readonly NodeResult[]> {
  const [first] = nodes;
  if (first === undefined) return [];
  const summary = nodes.length === 1 ? first : `${nodes.length} nodes`;
  try {
    return await nodesWith(input.limits.nodeOperationTimeout, summary, to).probeNodes({
      ...orderForAll(input),
      nodes,
      manifest: input.to,
    });
  } catch (error) {
    if (isCancellation(error)) throw error;
    // Where nobody takes up the work of all, nobody takes up that of one.
    if (nodes.length === 1 || isUntaken(error)) return nodes.map((node) => unwell(input, node, routes, error));
    return (await Promise.all(nodes.map((node) => probeTogether(input, [node], to, routes)))).flat();
  }
}

/** The outcome of an operation that broke: a node that does not answer is not one that fails. */
function unwell(input: CohortStepInput, node: NodeName, routes: Routes, error: unknown): NodeResult {
  const code = failureCode(error);
  if (code === 'TIMEOUT') {
    const { nodeOperationTimeout } = input.limits;
    const patience = handout(input, node, routes)?.patience ?? nodeOperationTimeout;
    const reason = isUntaken(error)
      ? nobodyThere(node, routes, patience)
      : `${input.task} on ${node} did not end within ${Math.round(nodeOperationTimeout / 1000)} s`;
    return { node, outcome: 'unreachable', active: null, reason };
  }
  return { node, outcome: code === 'NODE_UNREACHABLE' ? 'unreachable' : 'failed', active: null, reason: failureText(error) };
}

function failureCode(error: unknown): string {
  const cause = causeOf(error);
  return cause instanceof ApplicationFailure ? (cause.type ?? 'INTERNAL') : 'TIMEOUT';
}

function failureText(error: unknown): string {
  const cause = causeOf(error);
  return cause instanceof Error ? cause.message : String(error);
}

/**
 * Per-node facts go to the ledger, a step at a time. Forward a step waits for it; a rollback does not, nor does a step that is given up for
 * one: what the ledger did not take goes up to the rotation.
 */
async function record(
  input: CohortStepInput,
  results: readonly NodeResult[],
  reports: readonly NodeReport[],
  step: CancellationScope,
): Promise<readonly RotationNodeRow[]> {
  const at = Date.now();
  const rows = results.map((result): RotationNodeRow => ({
    rotation: input.rotation,
    node: result.node,
    cohort: input.cohort,
    state: `${input.task} ${result.outcome}`,
    active: result.active,
    passes: result.passes ?? 0,
    reason: result.reason,
    deferred: false,
    at,
  }));
  if (rows.length === 0) return [];
  if (input.waitForLedger && !step.consideredCancelled) {
    try {
      await ledgerPatiently.recordStep({ line: input.line, rows, reports });
      return [];
    } catch {
      // Given up, or the ledger has been away for long.
      return rows;
    }
  }
  try {
    await CancellationScope.nonCancellable(() => ledgerBriefly.recordStep({ line: input.line, rows, reports }));
    return [];
  } catch {
    return rows;
  }
}
