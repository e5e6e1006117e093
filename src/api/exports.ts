import { ServiceError, WorkflowNotFoundError } from '@temporalio/client';
import { openExport } from '../../activities/exports/activities.js';
import { findExport, type WantedExport } from '../../activities/exports/asked.js';
import { readExportDocument } from '../../activities/exports/document.js';
import { authorityOf, situationOf } from '../../activities/rotation/surroundings.js';
import { exportQuery, exportWordUpdate } from '../../workflows/export-messages.js';
import type { keyExport } from '../../workflows/key-export.js';
import { ResealError } from '../domain/errors.js';
import { hasEnded, type ExportStatus } from '../domain/exports/export.js';
import { exportIdOf, readExportStatement, type ExportRequestStatement, type ExportWord, type Spoken } from '../domain/exports/statement.js';
import { OneTimeKeys } from '../identity/one-time-keys.js';
import { openWith } from '../identity/sealed.js';
import { sha256Of } from '../manifest/digest.js';
import {
  exportOf,
  exportView,
  type ExportListView,
  type ExportTermsView,
  type ExportView,
  type FetchedExportView,
} from '../presenters/export.js';
import { asResealError, refusalOf } from './errors.js';
import type { RotationDesk } from './rotations.js';

/** How long a request waits for a worker to take something up, in milliseconds. */
const PATIENCE = 20_000;
/** Beyond its last moment a one-time key is kept for a node that is slow and a clock that is off. In milliseconds. */
const SLACK = 24 * 3_600_000;

const workflowIdOf = (id: string): string => `export/${id}`;
const keysOf = (desk: RotationDesk): OneTimeKeys => new OneTimeKeys(desk.home);
const handleOf = (desk: RotationDesk, id: string) => desk.client.workflow.getHandle<typeof keyExport>(workflowIdOf(id));

interface Given {
  readonly statement: Readonly<Record<string, unknown>>;
  readonly signature: string | null;
}

/** @throws ResealError STATEMENT_REFUSED */
function spokenOf<S extends Spoken['statement']>(given: Given, says: S['says']): Spoken<S> {
  const read = readExportStatement(given.statement);
  if (read.kind === 'none') throw new ResealError('STATEMENT_REFUSED', `No statement can be read here: ${read.reason}.`);
  if (read.statement.says !== says) throw new ResealError('STATEMENT_REFUSED', `The statement says ${read.statement.says}, not ${says}.`);
  return { statement: read.statement as S, signature: given.signature };
}

/** What a request has to name. @throws ResealError NOT_FOUND, USAGE, REFUSED */
export async function exportTerms(desk: RotationDesk, wanted: WantedExport): Promise<ExportTermsView> {
  const { line, receiver, commonName, team, asks } = await findExport(desk.around, wanted);
  const configuration = desk.around.configuration();
  const { installation, assurance } = authorityOf(configuration, line, 0);
  const { approvals, approveWithin } = configuration.policy.exports;
  return {
    ...{ schemaVersion: 1, installation, line, assurance, commonName, team, receiverName: receiver.name, asks },
    ...{ approvalsNeeded: approvals, approveWithin, fetchedBy: receiver.fetchedBy },
  };
}

/** Takes a request up. Sent again it is the same one, and is refused. */
export async function requestExport(desk: RotationDesk, given: Given): Promise<ExportView> {
  await forgetEndedExports(desk);
  const request = spokenOf<ExportRequestStatement>(given, 'export-request');
  const opened = await openExport(desk.around, request);
  const id = exportIdOf(request.statement);
  if ((await desk.ledger.keyExport(id)) !== null || (await live(desk, id)) !== null)
    throw new ResealError('ALREADY_DECIDED', `This request was made before, as ${id}. A statement counts once; ask anew.`);
  const keys = keysOf(desk);
  const until = Date.now() + opened.approveWithin + opened.binding.fetchWithin + SLACK;
  const { recipient: oneTime, made } = await keys.make(id, until);
  const { node, receiver } = opened.binding;
  try {
    await desk.client.workflow.start<typeof keyExport>('keyExport', {
      workflowId: workflowIdOf(id),
      taskQueue: desk.taskQueue,
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
      workflowIdConflictPolicy: 'FAIL',
      args: [{ request, oneTime }],
      staticSummary: `export from ${node} for ${receiver} (${opened.binding.requestedBy}, ${opened.ticket})`,
    });
  } catch (error) {
    const known = asResealError(error);
    if (known.code === 'ROTATION_IN_FLIGHT')
      throw new ResealError('ALREADY_DECIDED', `This request was made before, as ${id}. A statement counts once; ask anew.`, {
        cause: error,
      });
    if (made) await keys.forget(id);
    throw known;
  }
  return exportView(await untilTakenUp(desk, id));
}

async function untilTakenUp(desk: RotationDesk, id: string): Promise<ExportStatus> {
  for (const deadline = Date.now() + PATIENCE; Date.now() < deadline;) {
    const status = await live(desk, id);
    if (status !== null) return status;
    if ((await handleOf(desk, id).describe()).status.name !== 'RUNNING') {
      await keysOf(desk).forget(id);
      await handleOf(desk, id)
        .result()
        .catch((error: unknown) => {
          throw refusalOf(error);
        });
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new ResealError(
    'TEMPORAL_UNREACHABLE',
    `The export ${id} was asked for and no worker has taken it up. Is one running? See \`reseal doctor\`.`,
  );
}

/** What its workflow says; null where there is none that answers, or it has not begun. */
async function live(desk: RotationDesk, id: string): Promise<ExportStatus | null> {
  try {
    return await desk.client.withDeadline(Date.now() + 3_000, () => handleOf(desk, id).query(exportQuery));
  } catch (error) {
    if (error instanceof WorkflowNotFoundError || error instanceof ServiceError) return null;
    if (error instanceof Error && error.name === 'QueryNotRegisteredError') return null;
    throw error;
  }
}

/** @throws ResealError NOT_FOUND */
async function statusOf(desk: RotationDesk, id: string): Promise<ExportStatus> {
  const known = (await live(desk, id)) ?? (await desk.ledger.keyExport(id));
  if (known !== null) return known;
  throw new ResealError('NOT_FOUND', `There is no export ${id}. List them with \`reseal export list\`.`);
}

export async function showExport(desk: RotationDesk, id: string): Promise<ExportView> {
  await forgetEndedExports(desk);
  return exportView(await statusOf(desk, id));
}

export async function listExports(desk: RotationDesk, line: string | undefined): Promise<ExportListView> {
  await forgetEndedExports(desk);
  const recorded = await desk.ledger.keyExports(line === undefined ? {} : { line });
  const now = await Promise.all(recorded.map(async (one) => (hasEnded(one.phase) ? one : ((await live(desk, one.id)) ?? one))));
  return { schemaVersion: 1, exports: now.map(exportOf) };
}

/** An approval, a rejection or a withdrawal. */
export async function tellExport(
  desk: RotationDesk,
  id: string,
  verb: 'approve' | 'reject' | 'withdraw',
  given: Given,
): Promise<ExportView> {
  const spoken = spokenOf<ExportWord>(given, `export-${verb}`);
  const status = await say(desk, id, spoken);
  await forgetEndedExports(desk);
  return exportView(status);
}

async function say(desk: RotationDesk, id: string, spoken: Spoken<ExportWord>): Promise<ExportStatus> {
  const before = await statusOf(desk, id);
  try {
    return await desk.client.withDeadline(Date.now() + PATIENCE, () =>
      handleOf(desk, id).executeUpdate(exportWordUpdate, { args: [spoken] }),
    );
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) throw over(await statusOf(desk, id).catch(() => before));
    throw asResealError(error);
  }
}

function over({ id, phase, ended }: ExportStatus): ResealError {
  if (phase === 'fetched')
    return new ResealError(
      'ALREADY_DECIDED',
      `An export is fetched once, and ${ended?.by ?? 'somebody'} has fetched ${id}. Ask for another.`,
    );
  return new ResealError(
    'ILLEGAL_COMMAND',
    `The export ${id} has ended as ${phase}${ended === null ? '' : `: ${ended.reason}`}. Ask for another.`,
  );
}

/**
 * Hands out what was sealed, once: everything that can fail without being decided is done before its workflow decides, and the one-time key is gone before anybody
 * has the answer. An answer that is lost on its way is lost: another export has to be asked for.
 * @throws ResealError ILLEGAL_COMMAND, ALREADY_DECIDED, REFUSED, and those of the workflow's judgement
 */
export async function fetchExport(desk: RotationDesk, id: string, given: Given): Promise<FetchedExportView> {
  const spoken = spokenOf<ExportWord>(given, 'export-fetch');
  const status = await statusOf(desk, id);
  if (hasEnded(status.phase)) {
    await keysOf(desk).forget(id);
    throw over(status);
  }
  if (status.sealed === null)
    throw new ResealError('ILLEGAL_COMMAND', `The export ${id} is ${status.phase}: it can be fetched once it is sealed. See \`reseal export show ${id}\`.`); // prettier-ignore
  const sealed = await unwrapped(desk, status, status.sealed);
  const fetched = await say(desk, id, spoken);
  await keysOf(desk).forget(id);
  return { ...exportView(fetched), sealed: Buffer.from(sealed).toString('base64') };
}

/** Without its outer seal. @throws ResealError REFUSED, DIGEST_MISMATCH */
async function unwrapped(
  desk: RotationDesk,
  { id, line }: ExportStatus,
  { document, sha256 }: NonNullable<ExportStatus['sealed']>,
): Promise<Uint8Array> {
  const secret = await keysOf(desk).read(id);
  if (secret === null)
    throw new ResealError(
      'REFUSED',
      `This control API has no key for the export ${id}: another one took the request, or its home is a new one. Fetch it there, or ask for another; what was sealed stays closed.`,
    );
  const held = readExportDocument(await situationOf(desk.around, line).store.frozen(document), id);
  const sealed = held === null ? null : await openWith(secret, Buffer.from(held.sealed, 'base64'));
  if (sealed !== null && sha256Of(sealed) === sha256) return sealed;
  throw new ResealError('DIGEST_MISMATCH', `What the store holds of the export ${id} is not what its node has sealed. Do not use it; ask for another, and see who wrote there.`); // prettier-ignore
}

/** Forgets the one-time keys of exports that have ended, or whose time is over, however they ended. */
export async function forgetEndedExports(desk: RotationDesk): Promise<void> {
  const keys = keysOf(desk);
  for (const { id, until } of await keys.list()) {
    if (until <= Date.now() || (await isOver(desk, id))) await keys.forget(id);
  }
}

/** Where nobody can tell, it is not. */
async function isOver(desk: RotationDesk, id: string): Promise<boolean> {
  const status = await live(desk, id);
  if (status !== null) return hasEnded(status.phase);
  try {
    return (await handleOf(desk, id).describe()).status.name !== 'RUNNING';
  } catch {
    return false;
  }
}
