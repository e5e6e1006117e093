import type { Client } from '@temporalio/client';

/** Of one kind of activity, over all histories. */
export interface ActivityCount {
  readonly scheduled: number;
  readonly inputBytes: number;
  readonly resultBytes: number;
}

export interface Histories {
  readonly workflows: number;
  readonly events: number;
  readonly bytes: number;
  readonly largest: { readonly events: number; readonly bytes: number };
  readonly largestPayload: number;
  readonly byActivity: ReadonlyMap<string, ActivityCount>;
}

interface Execution {
  readonly workflowId: string;
  readonly runId: string;
}

/** What a workflow, all its runs and all their children have put on Temporal. */
export async function readHistories(client: Client, workflowId: string, firstRunId: string): Promise<Histories> {
  const found = { workflows: 0, events: 0, bytes: 0, largest: { events: 0, bytes: 0 }, largestPayload: 0 };
  const byActivity = new Map<string, { scheduled: number; inputBytes: number; resultBytes: number }>();
  const left: Execution[] = [{ workflowId, runId: firstRunId }];
  for (let execution = left.pop(); execution !== undefined; execution = left.pop()) {
    const { workflowExecutionInfo: info } = await client.workflowService.describeWorkflowExecution({
      namespace: client.options.namespace,
      execution,
    });
    const events = await client.workflow.getHandle(execution.workflowId, execution.runId).fetchHistory();
    const bytes = Number(info?.historySizeBytes ?? 0);
    const names = new Map<string, string>();
    for (const event of events.events ?? []) {
      found.largestPayload = Math.max(found.largestPayload, ...payloadSizes(event));
      const scheduled = event.activityTaskScheduledEventAttributes;
      if (scheduled) {
        const name = scheduled.activityType?.name ?? '';
        names.set(String(event.eventId), name);
        count(byActivity, name, 1, sum(payloadSizes(scheduled.input)), 0);
      }
      const completed = event.activityTaskCompletedEventAttributes;
      if (completed) count(byActivity, names.get(String(completed.scheduledEventId)) ?? '', 0, 0, sum(payloadSizes(completed.result)));
      const child = event.childWorkflowExecutionStartedEventAttributes?.workflowExecution;
      if (child) left.push({ workflowId: child.workflowId ?? '', runId: child.runId ?? '' });
      const next = event.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId;
      if (next) left.push({ workflowId: execution.workflowId, runId: next });
    }
    const length = events.events?.length ?? 0;
    found.workflows += 1;
    found.events += length;
    found.bytes += bytes;
    found.largest = { events: Math.max(found.largest.events, length), bytes: Math.max(found.largest.bytes, bytes) };
  }
  return { ...found, byActivity };
}

function count(
  all: Map<string, { scheduled: number; inputBytes: number; resultBytes: number }>,
  name: string,
  scheduled: number,
  input: number,
  result: number,
): void {
  const known = all.get(name) ?? { scheduled: 0, inputBytes: 0, resultBytes: 0 };
  all.set(name, { scheduled: known.scheduled + scheduled, inputBytes: known.inputBytes + input, resultBytes: known.resultBytes + result });
}

const sum = (all: readonly number[]): number => all.reduce((total, one) => total + one, 0);

/** Sizes of all payloads anywhere in a message, in bytes of data. */
function payloadSizes(message: unknown): readonly number[] {
  if (typeof message !== 'object' || message === null || message instanceof Uint8Array) return [];
  const { data, metadata } = message as { readonly data?: unknown; readonly metadata?: unknown };
  if (data instanceof Uint8Array && typeof metadata === 'object') return [data.length];
  return Object.values(message).flatMap((part) => [...payloadSizes(part)]);
}
