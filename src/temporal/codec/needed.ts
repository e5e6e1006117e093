import type { Client } from '@temporalio/client';
import type { Payload } from '@temporalio/common';
import { ResealError } from '../../domain/errors.js';
import { keyIdOf } from './encryption.js';
import type { StoredKey } from './key-file.js';

/** Workers are started again within this time of a key's becoming active (`doctor` names those that were not), in milliseconds. */
const CHANGE_OVER = 86_400_000;
/** Open workflows whose histories are looked into. */
const LOOKED_INTO = 20;

const rootOf = (keyId: string): string => keyId.split('/')[0] ?? '';

/** Roots of the keys under which payloads somewhere in a message of the server's are encrypted. */
function rootsIn(message: unknown, found = new Set<string>()): ReadonlySet<string> {
  if (typeof message !== 'object' || message === null || message instanceof Uint8Array) return found;
  const keyId = 'metadata' in message && 'data' in message ? keyIdOf(message as Payload) : null;
  if (keyId !== null) found.add(rootOf(keyId));
  for (const part of Object.values(message)) rootsIn(part, found);
  return found;
}

/** Reads what only the server knows. @throws ResealError TEMPORAL_UNREACHABLE */
async function asking<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof ResealError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ResealError('TEMPORAL_UNREACHABLE', `Temporal does not say which codec keys its histories need: ${reason}. Try it again.`, {
      cause,
    });
  }
}

/** Roots that each schedule's payloads are under: a schedule keeps what it was made with until it is made anew. */
async function rootsOfSchedules(client: Client): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const roots = new Map<string, ReadonlySet<string>>();
  for await (const { scheduleId } of client.schedule.list()) {
    const { namespace } = client.options;
    roots.set(scheduleId, rootsIn(await client.workflowService.describeSchedule({ namespace, scheduleId })));
  }
  return roots;
}

/**
 * Why a key that nobody writes with any more must still be kept, each reason a sentence; none: nothing in Temporal is under it. It is kept for the namespace's
 * retention, for as long as there is a run that began before it was given up (the longest rotation, as it really is), and while a schedule holds it.
 * @param now milliseconds since 1970
 * @throws ResealError TEMPORAL_UNREACHABLE
 */
export function reasonsToKeep(client: Client, key: StoredKey, now: number): Promise<readonly string[]> {
  return asking(async () => {
    const { namespace } = client.options;
    const until = Date.parse(key.since) + CHANGE_OVER;
    const { config } = await client.workflowService.describeNamespace({ namespace });
    const retention = Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0) * 1000;
    const { count } = await client.workflow.count(`StartTime < "${new Date(until).toISOString()}"`);
    const schedules = [...(await rootsOfSchedules(client))].filter(([, roots]) => roots.has(key.id)).map(([id]) => id);
    const kept = new Date(until + retention).toISOString().slice(0, 10);
    return [
      ...(now < until + retention
        ? [`what was written under it is kept until ${kept} at least (retention, and a day for the change)`]
        : []),
      ...(count > 0 ? [`Temporal keeps ${count} workflow runs that began while it was in use`] : []),
      ...schedules.map((id) => `the schedule ${id} is under it; \`reseal schedule ensure\` makes it anew`),
    ];
  });
}

/**
 * Roots that are needed and that a key file no longer has: of schedules, and of the first events of workflows that run.
 * @throws ResealError TEMPORAL_UNREACHABLE
 */
export function rootsMissing(client: Client, roots: readonly string[]): Promise<ReadonlyMap<string, string>> {
  return asking(async () => {
    const missing = new Map<string, string>();
    const note = (where: string, found: ReadonlySet<string>): void => {
      for (const root of found) if (!roots.includes(root) && !missing.has(root)) missing.set(root, where);
    };
    for (const [id, found] of await rootsOfSchedules(client)) note(`the schedule ${id}`, found);
    let looked = 0;
    for await (const { workflowId, runId } of client.workflow.list({ query: 'ExecutionStatus = "Running"' })) {
      if (++looked > LOOKED_INTO) break;
      const { namespace } = client.options;
      const execution = { workflowId, runId };
      const { history } = await client.workflowService.getWorkflowExecutionHistory({ namespace, execution, maximumPageSize: 5 });
      note(`the workflow ${workflowId}`, rootsIn(history?.events ?? []));
    }
    return missing;
  });
}
