import { isGrpcDeadlineError, WorkflowFailedError } from '@temporalio/client';
import { mustBeMandated } from '../../activities/mandates/judge.js';
import { inForceOn } from '../../activities/rotation/restore.js';
import type { AskedNode } from '../../workflows/node-request.js';
import type { nodeRestore } from '../../workflows/node-restore.js';
import type { PersonId } from '../domain/brands.js';
import { ResealError } from '../domain/errors.js';
import type { SignedMandate } from '../domain/mandate.js';
import type { RestoreTask } from '../domain/node/restore.js';
import type { RestoreStandingView } from '../presenters/restore.js';
import { refusalOf } from './errors.js';
import { declared } from './nodes.js';
import { mayAsk, refuseInFlight, type RotationDesk } from './rotations.js';

/** How long one question about a restore waits for its end, in milliseconds; who wants to know asks again. */
const WAIT = 3_000;

interface RestoreRequest {
  readonly line?: string | undefined;
  readonly by: string;
  readonly ticket: string;
}

/** A mandate names its line. */
const requestOf = (asked: RestoreRequest | SignedMandate): RestoreRequest & { readonly signed?: SignedMandate } => {
  if (!('statement' in asked)) return asked;
  const { line, person, ticket } = asked.statement;
  return { line, by: person, ticket, signed: asked };
};

const workflowIdOf = (line: string, node: string): string => `restore/${line}/${node}`;

/**
 * Begins to bring a node to what is in force on each of its lines, or on the one that is named. One that is under way goes on, whoever began it.
 * The right is the roster's `restore`; what is signed is for one line, and what is said by name counts where names do.
 * @throws ResealError NOT_FOUND, NOT_ENTITLED, SIGNATURE_NEEDED, SIGNATURE_REFUSED, STATEMENT_REFUSED, ROTATION_IN_FLIGHT, REFUSED
 */
export async function restoreNode(
  desk: RotationDesk,
  name: string,
  given: RestoreRequest | SignedMandate,
): Promise<readonly RestoreStandingView[]> {
  const asked = requestOf(given);
  const node = declared(desk, name);
  mayAsk(desk, asked.by, asked.ticket, 'restore');
  const lines = node.lines.filter((line) => asked.line === undefined || line === asked.line);
  if (lines.length === 0) {
    const follows = node.lines.length === 0 ? 'it follows none' : `it follows ${node.lines.join(', ')}`;
    throw new ResealError('NOT_FOUND', `Node ${name} does not follow ${asked.line ?? 'any line'}: ${follows}.`);
  }
  const { by, ticket, signed } = asked;
  const inputOf = (line: (typeof lines)[number]): AskedNode => ({ node: node.name, line, by: by as PersonId, ticket, ...(signed === undefined ? {} : { signed }) }); // prettier-ignore
  // Nothing is begun on one line where another is refused.
  for (const line of lines) {
    const manifest = await inForceOn(desk.around, line);
    mustBeMandated(desk.around.configuration(), inputOf(line), { says: 'node-restore', node: node.name, manifest }, Date.now());
    await refuseInFlight(desk, line);
  }
  for (const line of lines) {
    await desk.client.workflow.start<typeof nodeRestore>('nodeRestore', {
      workflowId: workflowIdOf(line, name),
      taskQueue: desk.taskQueue,
      workflowIdConflictPolicy: 'USE_EXISTING',
      args: [inputOf(line)],
      staticSummary: `restores ${name} on ${line} (${asked.by}, ${asked.ticket})`,
    });
  }
  return lines.map((line) => ({ schemaVersion: 1, node: name, line, state: 'running', task: 'inspect' }));
}

/** How the newest restore of a node on a line stands: waits a while for its end. @throws ResealError NOT_FOUND */
export async function restoreStanding(desk: RotationDesk, name: string, line: string): Promise<RestoreStandingView> {
  declared(desk, name);
  const handle = desk.client.workflow.getHandle<typeof nodeRestore>(workflowIdOf(line, name));
  const of = { schemaVersion: 1, node: name, line } as const;
  try {
    const result = await desk.client.withDeadline(Date.now() + WAIT, () => handle.result());
    return { ...of, state: 'ended', result };
  } catch (error) {
    if (error instanceof WorkflowFailedError) throw refusalOf(error);
    if (!isGrpcDeadlineError(error)) throw error;
  }
  const task = await desk.client.withDeadline(Date.now() + WAIT, () => handle.query<RestoreTask>('task'));
  return { ...of, state: 'running', task };
}
