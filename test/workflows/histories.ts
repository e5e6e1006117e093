import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { WorkflowHandle } from '@temporalio/client';
import proto from '@temporalio/proto';
import type { TestTemporal } from '../setup/temporal.js';

/** Histories of every release, one folder each: workflow code of today must still be able to go on from them. */
export const HISTORIES = fileURLToPath(new URL('../histories/', import.meta.url));

export interface RecordedHistory {
  readonly name: string;
  readonly workflowId: string;
  readonly history: proto.temporal.api.history.v1.IHistory;
}

const { History } = proto.temporal.api.history.v1;
/** As text: readable in a diff, and read back by `fromObject`. */
const IN_WORDS = { longs: String, enums: String, bytes: String } as const;

export const recordedHistories = (): readonly RecordedHistory[] =>
  readdirSync(HISTORIES, { recursive: true })
    .map(String)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => {
      const { workflowId, history } = JSON.parse(readFileSync(join(HISTORIES, name), 'utf8')) as {
        workflowId: string;
        history: Record<string, unknown>;
      };
      return { name, workflowId, history: History.fromObject(history) };
    });

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
    const text = JSON.stringify({ workflowId: first.workflowId, history: History.toObject(History.fromObject(history), IN_WORDS) });
    writeFileSync(join(folder, `${name}-${run}.json`), `${text}\n`);
    const next = history.events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId;
    if (next === undefined || next === null || next === '') return;
    runId = next;
  }
}
