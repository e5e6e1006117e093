import { randomUUID } from 'node:crypto';
import { asOfNow } from '../../activities/rotation/as-of-now.js';
import type { NodePurge } from '../../workflows/node-purge.js';
import type { NodeRequest } from '../../workflows/node-request.js';
import { ResealError } from '../domain/errors.js';
import type { NodePurgeView } from '../presenters/purge.js';
import { declared } from './nodes.js';
import { mayAsk, type RotationDesk } from './rotations.js';

/** At a person's word, by the roster's right `purge`. @throws ResealError NOT_FOUND, NOT_ENTITLED, NODE_UNREACHABLE, KEYCHAIN_FAILED */
export async function purgeNode(desk: RotationDesk, name: string, by: string, ticket: string): Promise<NodePurgeView> {
  const node = declared(desk, name);
  mayAsk(desk, by, ticket, 'purge');
  const [line] = node.lines;
  if (line === undefined) throw new ResealError('REFUSED', `Node ${name} follows no line; it has no keychains of reseal's.`);
  const input: NodeRequest = { node: node.name, line, by, ticket, ...(await asOfNow(desk.around, line, [node], { by, ticket })) };
  const done = (await desk.client.workflow.execute('nodePurge', {
    workflowId: `purge/${name}/${randomUUID().slice(0, 8)}`,
    taskQueue: desk.taskQueue,
    args: [input],
    staticSummary: `purges keychains of ${name} (${by}, ${ticket})`,
  })) as NodePurge;
  if ('purged' in done) return { schemaVersion: 1, node: name, ...done };
  throw new ResealError(done.code === 'NODE_UNREACHABLE' ? 'NODE_UNREACHABLE' : 'KEYCHAIN_FAILED', done.failed);
}
