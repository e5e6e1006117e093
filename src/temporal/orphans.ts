import { type Client, type WorkflowExecutionDescription, QueryNotRegisteredError, WorkflowNotFoundError } from '@temporalio/client';
import { defineSearchAttributeKey } from '@temporalio/common';
import type { LeftBehind } from '../../activities/rotation/contract.js';
import type { Orphans } from '../../activities/rotation/orphans.js';
import { situationOf, type Surroundings } from '../../activities/rotation/surroundings.js';
import type { LineName, RotationId } from '../domain/brands.js';
import { ResealError } from '../domain/errors.js';
import { isDrivenByNothing, whatToDo, type OpenRun, type Orphan } from '../domain/rotation/orphan.js';
import type { RotationStatus } from '../domain/rotation/status.js';

/** What of the ledger is read: it says which rotations to ask about. */
interface OrphansLedger {
  rotations(filter: { readonly line: string; readonly limit?: number }): Promise<readonly RotationStatus[]>;
}

export interface OrphansDesk {
  readonly around: Surroundings;
  readonly ledger: OrphansLedger;
  readonly client: Client;
  /** Of the installation's workers: a run that others serve says nothing here. */
  readonly taskQueue: string;
}

/** As `publish` of workflows/visibility.ts writes it. */
const ROTATION = defineSearchAttributeKey('ResealRotation', 'KEYWORD');
/** Workflows that go on until a rotation has an outcome. */
const DRIVING: readonly string[] = ['rotation', 'incidentRollback', 'adoptedRotation'];
/** How a run ends that nobody has brought to its outcome. */
const CUT_OFF: readonly string[] = ['TERMINATED', 'FAILED', 'TIMED_OUT', 'CANCELLED'];
/** How long a run's answer is waited for, in milliseconds: its whole history is replayed for it. */
const PATIENCE = 30_000;

const workflowIdOf = (line: LineName): string => `rotation/${line}`;

export function orphansOf(desk: OrphansDesk): Orphans & { readonly isOrphaned: (status: RotationStatus) => Promise<boolean> } {
  const isOrphaned = async (status: RotationStatus): Promise<boolean> => {
    if (status.outcome !== null) return false;
    const line = status.line as LineName;
    if (!isDrivenByNothing(status, await openRun(desk.client, workflowIdOf(line)))) return false;
    // The ledger may have been away when it ended.
    return (await situationOf(desk.around, line).store.record(status.id)) === null;
  };
  return {
    isOrphaned,
    on: async (line) => {
      const last = await newest(desk.ledger, line);
      if (last === null || !(await isOrphaned(last))) return null;
      const run = (await cutOff(desk, workflowIdOf(line), last.id)) === null ? 'gone' : 'kept';
      return { id: last.id, line, phase: last.phase, run } satisfies Orphan;
    },
    leftBehind: (workflowId, id) => leftBehind(desk, workflowId, id),
  };
}

async function newest(ledger: OrphansLedger, line: LineName): Promise<RotationStatus | null> {
  try {
    return (await ledger.rotations({ line, limit: 1 }))[0] ?? null;
  } catch (error) {
    if (error instanceof ResealError && error.code === 'DATABASE_UNREACHABLE') return null;
    throw error;
  }
}

async function described(client: Client, workflowId: string, runId?: string): Promise<WorkflowExecutionDescription | null> {
  try {
    return await client.workflow.getHandle(workflowId, runId).describe();
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}

async function openRun(client: Client, workflowId: string): Promise<OpenRun> {
  const run = await described(client, workflowId);
  return run?.status.name === 'RUNNING' ? { open: true, rotation: run.typedSearchAttributes.get(ROTATION) ?? null } : { open: false };
}

const isDriving = (run: WorkflowExecutionDescription, taskQueue: string, id: string): boolean =>
  run.typedSearchAttributes.get(ROTATION) === id && DRIVING.includes(run.type) && run.taskQueue === taskQueue;

/** The newest run of a rotation that its workers have taken up; null where Temporal has none. Closed runs stay for its namespace's retention. */
async function lastRun(
  { client, taskQueue }: Pick<OrphansDesk, 'client' | 'taskQueue'>,
  workflowId: string,
  id: string,
): Promise<WorkflowExecutionDescription | null> {
  const isOurs = (run: WorkflowExecutionDescription): boolean => isDriving(run, taskQueue, id);
  // Visibility is behind by moments; what the line's newest run is, is known at once.
  const last = await described(client, workflowId);
  if (last !== null && isOurs(last)) return last;
  const found: WorkflowExecutionDescription[] = [];
  for await (const { runId } of client.workflow.list({ query: `WorkflowId = '${workflowId}' AND ResealRotation = '${id}'` })) {
    const run = await described(client, workflowId, runId);
    if (run !== null && isOurs(run)) found.push(run);
  }
  return found.sort((a, b) => b.startTime.getTime() - a.startTime.getTime())[0] ?? null;
}

/** The run of a rotation that was cut off; null where there is none, or it went on in another one. */
async function cutOff(
  desk: Pick<OrphansDesk, 'client' | 'taskQueue'>,
  workflowId: string,
  id: string,
): Promise<WorkflowExecutionDescription | null> {
  const run = await lastRun(desk, workflowId, id);
  return run !== null && CUT_OFF.includes(run.status.name) ? run : null;
}

/**
 * The run that handed its state on to one that was cut off before any worker had taken it up: such a run can be asked nothing, and has done nothing. Null: this one was
 * taken up.
 */
async function neverTakenUp(
  desk: Pick<OrphansDesk, 'client' | 'taskQueue'>,
  workflowId: string,
  id: string,
  { runId }: WorkflowExecutionDescription,
): Promise<WorkflowExecutionDescription | null> {
  const { events } = await desk.client.workflow.getHandle(workflowId, runId).fetchHistory();
  const before = events?.[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId ?? '';
  if (before === '' || events?.some(({ workflowTaskCompletedEventAttributes: taken }) => taken) === true) return null;
  const run = await described(desk.client, workflowId, before);
  return run?.status.name === 'CONTINUED_AS_NEW' && isDriving(run, desk.taskQueue, id) ? run : null;
}

async function leftBehind(desk: OrphansDesk, workflowId: string, id: RotationId): Promise<LeftBehind> {
  const run = await lastRun(desk, workflowId, id);
  const line = id.slice(0, id.lastIndexOf('-')) as LineName;
  if (run === null) throw new ResealError('REFUSED', `${id} cannot be adopted: ${whatToDo({ id, line, run: 'gone' })}.`);
  const { name: status } = run.status;
  if (status === 'COMPLETED') throw new ResealError('REFUSED', `The workflow of ${id} has ended by itself: there is nothing to adopt.`);
  // The next one is not listed yet, or is gone.
  if (status === 'RUNNING' || status === 'CONTINUED_AS_NEW')
    throw new ResealError('TEMPORAL_UNREACHABLE', `The newest run of ${id} that Temporal lists is ${status.toLowerCase().replaceAll('_', ' ')}; it is looked again.`); // prettier-ignore
  const knows = (await neverTakenUp(desk, workflowId, id, run)) ?? run;
  try {
    const handle = desk.client.workflow.getHandle(workflowId, knows.runId);
    return await desk.client.withDeadline(Date.now() + PATIENCE, () => handle.query<LeftBehind>('state'));
  } catch (error) {
    if (error instanceof QueryNotRegisteredError)
      throw new ResealError('REFUSED', `${id} was cut off before it had begun: start anew.`, { cause: error });
    throw new ResealError('TEMPORAL_UNREACHABLE', `The run ${run.runId} of ${id} does not say how far it came: ${error instanceof Error ? error.message : String(error)}.`, { cause: error }); // prettier-ignore
  }
}
