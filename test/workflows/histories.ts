import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { WorkflowHandle } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import type { TestTemporal } from '../setup/temporal.js';

/** Histories of every release, one folder each: workflow code of today must still be able to go on from them. */
export const HISTORIES = fileURLToPath(new URL('../histories/', import.meta.url));

export interface RecordedHistory {
  readonly name: string;
  readonly workflowId: string;
  readonly history: unknown;
}

export const recordedHistories = (): readonly RecordedHistory[] =>
  readdirSync(HISTORIES, { recursive: true })
    .map(String)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => ({ name, ...(JSON.parse(readFileSync(join(HISTORIES, name), 'utf8')) as Omit<RecordedHistory, 'name'>) }));

/** Writes the histories of all runs of a workflow: a rotation begins a fresh one at each boundary of its phases. */
export async function record(
  temporal: TestTemporal,
  release: string,
  name: string,
  first: WorkflowHandle & { readonly firstExecutionRunId?: string },
): Promise<void> {
  const folder = join(HISTORIES, release);
  mkdirSync(folder, { recursive: true });
  let runId = first.firstExecutionRunId;
  for (let run = 1; ; run++) {
    const history = await temporal.client.workflow.getHandle(first.workflowId, runId).fetchHistory();
    const text = JSON.stringify({ workflowId: first.workflowId, history: JSON.parse(historyToJSON(history)) as unknown });
    writeFileSync(join(folder, `${name}-${run}.json`), `${text}\n`);
    const next = history.events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId;
    if (next === undefined || next === null || next === '') return;
    runId = next;
  }
}
