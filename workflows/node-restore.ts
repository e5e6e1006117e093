import { ActivityFailure, ApplicationFailure, defineQuery, patched, setHandler, workflowInfo } from '@temporalio/workflow';
import type { LineName, RotationId, Sha256 } from '../src/domain/brands.js';
import { orderOf, type NodeOrder, type OrderTerms } from '../src/domain/node/order.js';
import { fallbackOf, supersededOn, type KeptManifest, type RestoreResult, type RestoreTask } from '../src/domain/node/restore.js';
import type { NodeReport, NodeResult } from '../src/domain/node/report.js';
import { handoutOf } from '../src/domain/node/routes.js';
import { returningKey } from '../src/domain/returning.js';
import { epochOf } from '../src/domain/rotation/state.js';
import { ledgerPatiently, mandates, nodesAtOnce } from './activities.js';
import { failedOrder } from './mandated.js';
import type { AskedNode, NodeRestoreInput } from './node-request.js';
import { causeOf, whyNot } from './untaken.js';

const JUDGED = 'restores-are-judged';

/** What the restore is at; for who waits. */
export const restoreTaskQuery = defineQuery<RestoreTask>('task');

/**
 * Brings one node to the manifest in force, at a person's word: one that was away during a rotation, that was imaged anew, or that never had any.
 * What it accepted beside goes into quarantine. A rotation that begins meanwhile has the newer number, and its orders win.
 */
export async function nodeRestore(asked: AskedNode | NodeRestoreInput): Promise<RestoreResult> {
  let at: RestoreTask = 'inspect';
  setHandler(restoreTaskQuery, () => at);
  if (!('manifest' in asked)) return restore(await taken(asked), (task) => (at = task));
  // Of a run that began before anybody judged: it goes on as it began.
  const unfit = patched(JUDGED) ? await whyNotReturned(asked) : null;
  if (unfit === null) return restore(asked, (task) => (at = task));
  const { node, line, manifest } = asked;
  return { node, line, manifest, retired: [], kept: [], outcome: 'failed', reason: unfit, before: null, active: null, at };
}

/** By a person's word, which the worker judges. @throws ApplicationFailure where it does not count */
async function taken({ node, line, by, ticket, signed }: AskedNode): Promise<NodeRestoreInput> {
  const key = `restore/${node}/${workflowInfo().runId}`;
  try {
    return await mandates.orderRestore({ node, line, by, ticket, key, ...(signed === undefined ? {} : { signed }) });
  } catch (error) {
    throw failedOrder(error);
  }
}

/** Why what nobody has signed is not carried out; null: the look for nodes that came back asks for it. */
async function whyNotReturned({ node, line, by, ticket, manifest, number }: NodeRestoreInput): Promise<string | null> {
  const key = returningKey(node, workflowInfo().parent?.runId ?? 'nobody');
  try {
    await mandates.judgeReturn({ node, line, by, ticket, manifest, number, key });
    return null;
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    return error.cause?.message ?? error.message;
  }
}

async function restore(input: NodeRestoreInput, tell: (task: RestoreTask) => void): Promise<RestoreResult> {
  let at: RestoreTask = 'inspect';
  const { node, line, manifest, routes, limits } = input;
  const handout = handoutOf(workflowInfo().taskQueue, node, routes, limits);
  const activities = nodesAtOnce(limits.nodeOperationTimeout, node, handout);
  const rotation = `${line}-${input.number}` as RotationId;
  const terms: OrderTerms = { ...input, rotation, epoch: epochOf({ k: input.number, d: 0 }), offset: 0 };
  const order = (task: RestoreTask): NodeOrder => {
    at = task;
    tell(task);
    return { node, ...orderOf(task, terms, Date.now()) };
  };
  const nothing = { node, line, manifest, retired: [], kept: [] };
  let found: NodeReport | null = null;
  let active: Sha256 | null = null;
  try {
    found = await activities.inspectNode({ ...order('inspect'), manifest });
    active = found.active;
    const staged = await activities.stageNode({ ...order('stage'), to: manifest });
    if (staged.outcome !== 'done') return { ...nothing, ...endOf(staged), before: found.active, at };
    const switched = await activities.switchNode({ ...order('switch'), target: manifest, revertTo: fallbackOf(found, manifest) });
    active = switched.active;
    if (switched.outcome !== 'done') return { ...nothing, ...endOf(switched), before: found.active, at };
  } catch (error) {
    const reason = whyNot(error, node, routes, handout);
    return { ...nothing, outcome: unwell(error), reason, before: found?.active ?? null, active, at };
  }
  const retired: Sha256[] = [];
  const kept: KeptManifest[] = [];
  for (const old of supersededOn(found, manifest)) {
    try {
      const gone = await activities.retireNode({ ...order('retire'), old, keep: manifest });
      if (gone.outcome === 'done') retired.push(old);
      else kept.push({ manifest: old, reason: gone.reason });
    } catch (error) {
      kept.push({ manifest: old, reason: whyNot(error, node, routes, handout) });
    }
  }
  await look(activities.inspectNode({ ...order('inspect'), manifest }), line);
  return { ...nothing, outcome: 'done', reason: '', before: found.active, active, at: 'switch', retired, kept };
}

const endOf = ({ outcome, reason, active }: NodeResult): Pick<RestoreResult, 'outcome' | 'reason' | 'active'> => ({
  outcome,
  reason,
  active,
});

/** What the node is now, for `node list`; the restore is done with or without it. */
async function look(inspection: Promise<NodeReport>, line: LineName): Promise<void> {
  try {
    await ledgerPatiently.recordStep({ line, rows: [], reports: [await inspection] });
  } catch (error) {
    if (!(error instanceof ActivityFailure || error instanceof ApplicationFailure)) throw error;
  }
}

function unwell(error: unknown): 'unreachable' | 'failed' {
  const cause = causeOf(error);
  return cause instanceof ApplicationFailure && cause.type !== 'NODE_UNREACHABLE' ? 'failed' : 'unreachable';
}
