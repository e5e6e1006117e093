import {
  CancellationScope,
  condition,
  isCancellation,
  sleep,
  startChild,
  workflowInfo,
  type ChildWorkflowHandle,
} from '@temporalio/workflow';
import { isEmergency } from '../src/domain/rotation/emergency.js';
import type { NodesAction } from '../src/domain/rotation/machine.js';
import { isTerminal } from '../src/domain/rotation/phases.js';
import { epochOf, type Plan, type RotationState } from '../src/domain/rotation/state.js';
import { cohortName } from '../src/domain/rotation/status.js';
import type { cohortStep, CohortStepEnd } from './cohort-step.js';
import { stopSignal, type CohortStepInput } from './messages.js';

const MOST_STEPS_AT_ONCE = 10;

type StepInput = Omit<CohortStepInput, 'first' | 'count' | 'again' | 'except' | 'inFlight' | 'stopAtFirst' | 'cohort' | 'pins'>;

/** What every step of a rotation's task is given. */
export const stepInput = (
  state: RotationState,
  plan: Pick<Plan, 'from' | 'to' | 'topology' | 'policyDigest' | 'cohorts'>,
  task: CohortStepInput['task'],
): StepInput => ({
  task,
  line: state.line,
  rotation: state.id,
  epoch: epochOf(state),
  offset: state.offset,
  from: plan.from,
  to: plan.to,
  topology: plan.topology,
  policyDigest: plan.policyDigest,
  cohorts: plan.cohorts,
  limits: {
    nodeOperationTimeout: state.policy.limits.nodeOperationTimeout,
    nodeOfflineAfter: state.policy.limits.nodeOfflineAfter,
  },
  waitForLedger: state.phase !== 'rolling-back',
  ...(isEmergency(state) ? { forwardOnly: true } : {}),
});

/**
 * One round of steps: as many children side by side as the allowance has room for. When the work is outdated (a command, a
 * pause) no further node is begun; for a change of direction what is in flight is given up too, and the fence keeps it harmless.
 */
export async function takeSteps(
  action: NodesAction,
  base: StepInput,
  current: () => RotationState,
  outdated: () => boolean,
): Promise<readonly CohortStepEnd[]> {
  const inputs = portions(action, current().policy.limits.stepNodes).map((portion): CohortStepInput => ({
    ...base,
    ...portion,
    except: action.except,
    stopAtFirst: action.stopAtFirst,
    pins: action.pins,
    cohort: action.wave === null ? 'all' : cohortName(action.wave),
  }));
  if (inputs.length === 0) {
    // Nothing may be begun now: no reason to ask again without a pause.
    await sleep('1s');
    return [];
  }
  const scope = new CancellationScope({ cancellable: true });
  const children: ChildWorkflowHandle<typeof cohortStep>[] = [];
  const progress = { finished: false };
  const finished = (): boolean => progress.finished;
  const startOne = async (input: CohortStepInput): Promise<CohortStepEnd> => {
    const child = await startChild<typeof cohortStep>('cohortStep', {
      args: [input],
      workflowId: stepId(input),
      cancellationType: 'WAIT_CANCELLATION_COMPLETED',
      staticSummary: `${input.task} ${input.count + input.again.length} nodes of ${input.cohort}`,
    });
    children.push(child);
    return child.result();
  };
  // Every child is waited for, whatever became of its siblings: nothing is still at work when the round is over.
  const working = scope
    .run(() => Promise.allSettled(inputs.map(startOne)))
    .finally(() => {
      progress.finished = true;
    });
  const direction = current().d;
  const watching = (async () => {
    await condition(() => finished() || outdated());
    if (finished()) return;
    if (current().d !== direction || isTerminal(current().phase)) return scope.cancel();
    await Promise.all(children.map((child) => child.signal(stopSignal).catch(() => undefined)));
    await condition(() => finished() || current().d !== direction);
    if (!finished()) scope.cancel();
  })();
  const settled = await working;
  await watching;
  for (const one of settled) if (one.status === 'rejected' && !isGivenUp(one.reason)) throw one.reason;
  return settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
}

/** A cancelled child that had nothing to report fails with the cancellation as its cause. */
const isGivenUp = (error: unknown): boolean => isCancellation(error) || (error instanceof Error && isCancellation(error.cause));

/** Below the rotation's own workflow id: what is unique there is unique in the namespace, whoever shares it. */
const stepId = (input: CohortStepInput): string =>
  `${workflowInfo().workflowId}/${input.rotation}/${input.epoch}/${input.task}/${input.cohort.replace(' ', '-')}/${input.count > 0 ? input.first : `again-${input.again[0] ?? ''}`}`;

type Portion = Pick<CohortStepInput, 'first' | 'count' | 'again' | 'inFlight'>;

/** Divides a task among children of at most `size` nodes, and the allowance among those that run side by side. */
function portions(action: NodesAction, size: number): readonly Portion[] {
  const left = action.inFlight === null ? Number.POSITIVE_INFINITY : action.inFlight;
  const all: Portion[] = [];
  for (let start = 0; start < action.again.length; start += size) {
    all.push({ first: action.first, count: 0, again: action.again.slice(start, start + size), inFlight: null });
  }
  for (let start = 0; start < action.count; start += size) {
    all.push({ first: action.first + start, count: Math.min(size, action.count - start), again: [], inFlight: null });
  }
  const round: Portion[] = [];
  let room = left;
  for (const portion of all) {
    if (round.length >= MOST_STEPS_AT_ONCE || room <= 0) break;
    const share = Math.min(room, portion.count + portion.again.length);
    round.push({ ...portion, inFlight: Number.isFinite(left) ? share : null });
    room -= share;
  }
  return round;
}
