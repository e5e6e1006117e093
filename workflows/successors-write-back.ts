import { ActivityFailure, log, sleep } from '@temporalio/workflow';
import type { Instant } from '../src/domain/brands.js';
import type { HistoryEvent } from '../src/domain/rotation/history.js';
import type { RotationStatus } from '../src/domain/rotation/status.js';
import { givenUpInWords, isSettled, nextTry, settledInWords, type WriteBackRequest, type WrittenBack } from '../src/domain/write-back.js';
import { ledger, messenger, writingBack } from './activities.js';

export interface WriteBackInput {
  readonly asked: WriteBackRequest;
  /** Persons or roles that are told. */
  readonly audience: readonly string[];
  /** Of the rotation, as it ended. */
  readonly status: RotationStatus;
  /** The place in the rotation's record that is kept for how this ends. */
  readonly seq: number;
  /** When it failed first. */
  readonly since: Instant;
  /** How often it has failed. */
  readonly failures: number;
}

export interface WriteBackEnd {
  readonly tries: number;
  readonly text: string;
}

/**
 * Brings the successors of a completed rotation to sources that did not take them when it ended, with growing pauses, for two weeks. Each attempt judges
 * anew what is in force and what the sources have, so it may be repeated at any time and writes nothing twice. Two weeks are some seventy attempts: one
 * history holds them.
 */
export async function successorsWriteBack(input: WriteBackInput): Promise<WriteBackEnd> {
  const { since, asked } = input;
  let { failures } = input;
  let last: WrittenBack = { taken: [], notTaken: [], rest: 'later' };
  for (;;) {
    const again = nextTry(failures, since, Date.now());
    if (again === null) return ended(input, failures, givenUpInWords(asked.id, last, failures));
    await sleep(again - Date.now());
    last = await attempt(asked);
    if (isSettled(last)) return ended(input, failures + 1, settledInWords(asked.id, last, failures + 1));
    failures += 1;
  }
}

/** A store or a configuration that is away is a reason like any other. */
async function attempt(asked: WriteBackRequest): Promise<WrittenBack> {
  try {
    return await writingBack.writeBackSuccessors(asked);
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    return { taken: [], notTaken: [{ source: asked.line, reason: error.cause?.message ?? error.message }], rest: 'later' };
  }
}

async function ended({ asked, audience, status, seq }: WriteBackInput, tries: number, text: string): Promise<WriteBackEnd> {
  const event: HistoryEvent = { rotation: asked.id, seq, at: Date.now(), kind: 'remark', actor: 'reseal', text, data: { tries } };
  await Promise.all([ledger.recordProgress({ status: null, events: [event] }), tell(audience, status, event)]);
  return { tries, text };
}

/** What is not delivered in its time is on the record. */
async function tell(audience: readonly string[], rotation: RotationStatus, history: HistoryEvent): Promise<void> {
  try {
    await messenger.notify({ event: 'successor', text: history.text, audience, rotation, history });
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    log.warn('a notice of successors that were written back was not delivered', { text: history.text });
  }
}
