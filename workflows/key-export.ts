import {
  ActivityFailure,
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  condition,
  log,
  patched,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { defineSearchAttributeKey } from '@temporalio/common';
import type { Judgement } from '../activities/approvals/contract.js';
import type { RefusedWord } from '../activities/exports/contract.js';
import type { LineName, Sha256 } from '../src/domain/brands.js';
import {
  decideExport,
  endExport,
  exportKeysOf,
  exportStatus,
  hasEnded,
  obeyExport,
  opensAs,
  sealExport,
  settleExport,
  silentUntil,
  type ExportState,
  type ExportStatus,
} from '../src/domain/exports/export.js';
import { exportNotice } from '../src/domain/exports/notices.js';
import type { ExportWord, Spoken } from '../src/domain/exports/statement.js';
import { handoutOf } from '../src/domain/node/routes.js';
import { exportDesk, exportJudge, exportKeeper, ledger, messenger, nodesAtOnce } from './activities.js';
import { exportQuery, exportWordUpdate, heardExport, type KeyExportInput } from './export-messages.js';
import { whyNot } from './untaken.js';

/** Of words with a wrong signature so many are kept. */
const MOST_REFUSED = 20;

const KEYS = {
  line: defineSearchAttributeKey('ResealLine', 'KEYWORD'),
  phase: defineSearchAttributeKey('ResealPhase', 'KEYWORD'),
  ticket: defineSearchAttributeKey('ResealTicket', 'KEYWORD'),
};

/**
 * One request to export an identity, as workflow `export/<id>`, from its statement to its end. Who may say what is decided by pure functions; what was sealed passes
 * through here as nobody alone can open it, and lies in the store.
 * @throws ApplicationFailure where the request does not count
 */
export async function keyExport(input: KeyExportInput): Promise<ExportStatus> {
  const held: { state: ExportState | null } = { state: null };
  setHandler(exportQuery, () => (held.state === null ? null : exportStatus(settleExport(held.state, Date.now()))));
  const words: Spoken[] = [input.request];
  const refused: RefusedWord[] = [];
  let changes = 0;

  const now = (): ExportState => {
    if (held.state === null) throw ApplicationFailure.nonRetryable('this export is just being taken up; say it again', 'ILLEGAL_COMMAND');
    return settleExport(held.state, Date.now());
  };
  const become = (state: ExportState): void => {
    if (state === held.state) return;
    held.state = state;
    changes += 1;
    publish(exportStatus(state));
  };
  const mayCount = (spoken: Spoken<ExportWord>): void => {
    const decision = decideExport(now(), spoken, Date.now());
    if (!decision.accepted) throw ApplicationFailure.nonRetryable(decision.reason, decision.code);
  };

  setHandler(
    exportWordUpdate,
    async (given) => {
      const spoken = heardExport(given);
      const judged = await judge(now(), spoken);
      if (!judged.counts) {
        if (refused.length < MOST_REFUSED) refused.push({ ...spoken, at: Date.now(), reason: judged.reason });
        throw ApplicationFailure.nonRetryable(
          `what ${spoken.statement.person} is said to say does not count: ${judged.reason}`,
          'SIGNATURE_REFUSED',
        );
      }
      // Other things may have happened meanwhile.
      mayCount(spoken);
      words.push(spoken);
      become(obeyExport(now(), spoken, { key: judged.key, voided: judged.voided }, Date.now()));
      return exportStatus(now());
    },
    { validator: (given) => mayCount(heardExport(given)) },
  );

  const ends = (because: string): void => {
    if (held.state !== null) become(endExport(held.state, 'withdrawn', { at: Date.now(), by: 'reseal', reason: because }));
  };
  CancellationScope.current().cancelRequested.catch((error: unknown) => {
    if (error instanceof CancelledFailure) ends('it was cancelled in Temporal');
  });
  return CancellationScope.nonCancellable(async () => {
    const { line } = input.request.statement;
    become(opensAs(line, await exportDesk.openExport(input)));
    const recorder = record(
      () => changes,
      () => held.state,
    );
    const teller = patched('exports-are-told') ? tellPhases(() => held.state) : Promise.resolve();
    for (;;) {
      become(now());
      const state = now();
      if (hasEnded(state.phase)) break;
      if (state.phase === 'approved') {
        await carryOut(state, line);
        continue;
      }
      const seen = changes;
      const until = silentUntil(state);
      await condition(() => changes !== seen, Math.max(1, (until ?? Date.now()) - Date.now()));
    }
    const closing = now();
    const kept = await exportKeeper.closeExport({ status: exportStatus(closing), words, refused });
    become({ ...closing, record: kept });
    await recorder;
    await teller;
    await condition(allHandlersFinished);
    return exportStatus(now());
  });

  /** The node exports, the desk keeps what it sealed; what somebody ended meanwhile stays ended, and what comes of it is not kept. */
  async function carryOut(approved: ExportState, line: LineName): Promise<void> {
    const { binding, ticket } = approved.opened;
    const of = { id: binding.export, line, ticket, binds: binding, approvedBy: approved.approvals.map(({ person }) => person) };
    const failed = (reason: string): void => {
      become(endExport(now(), 'failed', { at: Date.now(), by: 'reseal', reason }));
    };
    try {
      const asOfNow = await exportDesk.orderExport(of);
      const handout = handoutOf(workflowInfo().taskQueue, binding.node, asOfNow.routes, asOfNow.limits);
      const sentAt = Date.now();
      const exported = await nodesAtOnce(asOfNow.limits.nodeOperationTimeout, binding.node, handout)
        .exportIdentity({
          ...{ node: binding.node, line, rotation: binding.export, epoch: 0, opId: `export/${binding.export}` },
          ...{ notAfter: sentAt + 2 * asOfNow.limits.nodeOperationTimeout, sentAt, offset: 0 },
          ...{ topology: asOfNow.topology, policy: asOfNow.policyDigest, oneTime: input.oneTime },
          warrant: { request: input.request, approvals: approved.approvals.map(({ spoken }) => spoken) },
        })
        .catch((error: unknown) => {
          throw ApplicationFailure.nonRetryable(whyNot(error, binding.node, asOfNow.routes, handout));
        });
      if (now().phase !== 'approved') return;
      const document: Sha256 = await exportDesk.keepExport({ ...of, exported });
      become(sealExport(now(), { sha256: exported.sha256, document, at: Date.now() }));
    } catch (error) {
      // What the desk could not do in time says so; anything else is no failure of the export.
      if (!(error instanceof ActivityFailure || error instanceof ApplicationFailure)) throw error;
      failed(error instanceof ActivityFailure ? (error.cause?.message ?? error.message) : error.message);
    }
  }
}

/** Writes every change to the ledger, one after the other, until the last one is there; a database that is away holds up the workflow's end alone. */
async function record(changes: () => number, state: () => ExportState | null): Promise<void> {
  let written = 0;
  for (;;) {
    await condition(() => changes() > written);
    const seen = changes();
    const current = state();
    if (current === null) continue;
    await ledger.recordExport(exportStatus(current));
    written = seen;
    // The closing record is the last change.
    if (current.record !== null) return;
  }
}

/** Tells people of every phase that is their business; what is not delivered in its time is not delivered. */
async function tellPhases(state: () => ExportState | null): Promise<void> {
  let told: ExportState['phase'] | null = null;
  do {
    await condition(() => state() !== null && state()?.phase !== told);
    const current = state();
    if (current === null) continue;
    told = current.phase;
    const notice = exportNotice(current);
    if (notice === null) continue;
    try {
      await messenger.notify({ event: 'export', ...notice, rotation: null, history: null });
    } catch (error) {
      if (!(error instanceof ActivityFailure)) throw error;
      log.warn('a notice of an export was not delivered', { export: current.opened.binding.export, phase: told });
    }
  } while (told === null || !hasEnded(told));
}

/** Whoever can tell may be away: the word is then given again. */
async function judge(state: ExportState, spoken: Spoken<ExportWord>): Promise<Judgement<string | null>> {
  try {
    return await CancellationScope.nonCancellable(() =>
      exportJudge.judgeExportWord({
        ...spoken,
        keys: exportKeysOf(state, spoken.statement.person),
        approvals: state.approvals.map(({ person, key }) => ({ person, key })),
      }),
    );
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    throw ApplicationFailure.nonRetryable(`nobody could tell in time who says this; say it again: ${error.cause?.message ?? error.message}`, 'TEMPORAL_UNREACHABLE'); // prettier-ignore
  }
}

/** Tells Temporal's own UI where the export stands. */
function publish({ id, line, phase, ticket, binds, approvals, approvalsNeeded, ended }: ExportStatus): void {
  upsertSearchAttributes([
    { key: KEYS.line, value: line },
    { key: KEYS.phase, value: phase },
    { key: KEYS.ticket, value: ticket },
  ]);
  const end = ended === null ? '' : `\n\n> ${ended.reason}`;
  setCurrentDetails(
    `**${id}** is **${phase}**: \`${binds.identity.slice(0, 8)}\` of ${binds.node} for ${binds.receiver}, ${approvals.length} of ${approvalsNeeded} approvals (${ticket})${end}`,
  );
}
