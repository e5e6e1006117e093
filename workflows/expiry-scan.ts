import { ParentClosePolicy, startChild } from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { Duration, PersonId } from '../src/domain/brands.js';
import { desk, messenger } from './activities.js';
import type { rotation } from './rotation.js';

export interface ScanEnd {
  readonly started: readonly string[];
  readonly inFlight: readonly string[];
  readonly asked: readonly string[];
  readonly quiet: readonly string[];
  /** Lines on which people have to adopt a rotation. */
  readonly orphaned: readonly string[];
}

/** Finds every line with something due and starts one rotation on each; run by the Schedule `expiry-scan`. */
export async function expiryScan(input: { readonly offset: Duration }): Promise<ScanEnd> {
  const { lines, ticket, policy, rights } = await desk.surveyLines(input.offset);
  const started: string[] = [];
  const inFlight: string[] = [];
  const asked: string[] = [];
  const tell = (event: 'page' | 'successor', line: string, text: string, audience: readonly string[]): Promise<void> =>
    messenger.notify({ event, text: `${line}: ${text}`, audience, rotation: null, history: null });
  const { owner, page } = policy.audience;
  for (const { line, revoked = [] } of lines) for (const text of revoked) await tell('page', line, text, [...owner, ...page]);
  const orphaned: string[] = [];
  for (const { line, orphaned: text } of lines) {
    if (text === undefined) continue;
    orphaned.push(line);
    await tell('page', line, text, page);
  }
  for (const due of lines.filter((line) => line.due.length > 0 && line.orphaned === undefined)) {
    if (!due.start) {
      asked.push(due.line);
      await tell('successor', due.line, due.reason, owner);
      continue;
    }
    try {
      await startChild<typeof rotation>('rotation', {
        workflowId: `rotation/${due.line}`,
        args: [
          {
            line: due.line,
            trigger: { kind: 'schedule', by: 'schedule' as PersonId, ticket },
            offset: input.offset,
            policy,
            rights,
            authority: due.authority,
          },
        ],
        parentClosePolicy: ParentClosePolicy.ABANDON,
        staticSummary: `rotation of ${due.line}: ${due.due.length} due`,
      });
      started.push(due.line);
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      inFlight.push(due.line);
    }
  }
  return {
    started,
    inFlight,
    asked,
    quiet: lines.filter((line) => line.due.length === 0 && line.orphaned === undefined).map((line) => line.line),
    orphaned,
  };
}
