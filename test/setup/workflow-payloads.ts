import type { Client } from '@temporalio/client';
import type { Payload } from '@temporalio/common';
import proto from '@temporalio/proto';

const { HistoryEvent } = proto.temporal.api.history.v1;

/** An event of a history as the server keeps it. */
export interface RawEvent {
  readonly workflowId: string;
  readonly event: proto.temporal.api.history.v1.IHistoryEvent;
  readonly bytes: Buffer;
}

/** Every event of every run that a namespace keeps. */
export const rawEvents = (client: Client): Promise<readonly RawEvent[]> => eventsOf(client, '');

/** Of the runs whose workflow ids hold a text. */
export async function eventsOf(client: Client, part: string): Promise<readonly RawEvent[]> {
  const events: RawEvent[] = [];
  for await (const { workflowId, runId } of client.workflow.list()) {
    if (!workflowId.includes(part)) continue;
    const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    for (const event of history.events ?? []) events.push({ workflowId, event, bytes: Buffer.from(HistoryEvent.encode(event).finish()) });
  }
  return events;
}

/** Payloads anywhere in a message. */
export function payloadsIn(message: unknown): readonly Payload[] {
  if (typeof message !== 'object' || message === null || message instanceof Uint8Array) return [];
  const own = 'metadata' in message && 'data' in message ? [message as Payload] : [];
  return [...own, ...Object.values(message).flatMap(payloadsIn)];
}
