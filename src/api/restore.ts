import { randomUUID } from 'node:crypto';
import { isGrpcDeadlineError } from '@temporalio/client';
import { inForceOn, orderRestore } from '../../activities/rotation/restore.js';
import type { nodeRestore } from '../../workflows/node-restore.js';
import { ResealError } from '../domain/errors.js';
import type { RestoreTask } from '../domain/node/restore.js';
import type { RestoreStandingView } from '../presenters/restore.js';
import { declared } from './nodes.js';
import { mayAsk, refuseInFlight, type RotationDesk } from './rotations.js';

/** How long one question about a restore waits for its end, in milliseconds; who wants to know asks again. */
const WAIT = 3_000;

interface RestoreRequest {
  readonly line?: string | undefined;
  readonly by: string;
  readonly ticket: string;
}

const workflowIdOf = (line: string, node: string): string => `restore/${line}/${node}`;

/**
 * Begins to bring a node to what is in force on each of its lines, or on the one that is named. One that is under way goes on, whoever began it.
 * The right is the roster's `restore`. @throws ResealError NOT_FOUND, NOT_ENTITLED, ROTATION_IN_FLIGHT, REFUSED
 */
export async function restoreNode(desk: RotationDesk, name: string, asked: RestoreRequest): Promise<readonly RestoreStandingView[]> {
  const node = declared(desk, name);
  mayAsk(desk, asked.by, asked.ticket, 'restore');
  const lines = node.lines.filter((line) => asked.line === undefined || line === asked.line);
  if (lines.length === 0) {
    const follows = node.lines.length === 0 ? 'it follows none' : `it follows ${node.lines.join(', ')}`;
    throw new ResealError('NOT_FOUND', `Node ${name} does not follow ${asked.line ?? 'any line'}: ${follows}.`);
  }
  const context = { by: asked.by, ticket: asked.ticket };
  // Nothing is begun on one line where another is refused.
  for (const line of lines) {
    await inForceOn(desk.around, line);
    await refuseInFlight(desk, line);
  }
  for (const line of lines) {
    const key = `restore/${name}/${randomUUID()}`;
    const input = await orderRestore(desk.around, { node, line, key, ...context }, () => refuseInFlight(desk, line));
    await desk.client.workflow.start<typeof nodeRestore>('nodeRestore', {
      workflowId: workflowIdOf(line, name),
      taskQueue: desk.taskQueue,
      workflowIdConflictPolicy: 'USE_EXISTING',
      args: [input],
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
    if (!isGrpcDeadlineError(error)) throw error;
  }
  const task = await desk.client.withDeadline(Date.now() + WAIT, () => handle.query<RestoreTask>('task'));
  return { ...of, state: 'running', task };
}
