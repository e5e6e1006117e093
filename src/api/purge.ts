import { randomUUID } from 'node:crypto';
import { mustBeMandated } from '../../activities/mandates/judge.js';
import type { NodePurge } from '../../workflows/node-purge.js';
import type { AskedNode } from '../../workflows/node-request.js';
import type { PersonId } from '../domain/brands.js';
import { ResealError } from '../domain/errors.js';
import type { SignedMandate } from '../domain/mandate.js';
import type { NodePurgeView } from '../presenters/purge.js';
import { refusalOf } from './errors.js';
import { declared } from './nodes.js';
import { mayAsk, type RotationDesk } from './rotations.js';
import type { ByName } from './statements.js';

/**
 * At a person's word, by the roster's right `purge`; signed, or by name where that counts.
 * @throws ResealError NOT_FOUND, NOT_ENTITLED, SIGNATURE_NEEDED, SIGNATURE_REFUSED, STATEMENT_REFUSED, ALREADY_DECIDED, NODE_UNREACHABLE, KEYCHAIN_FAILED
 */
export async function purgeNode(desk: RotationDesk, name: string, asked: ByName | SignedMandate): Promise<NodePurgeView> {
  const node = declared(desk, name);
  const signed = 'statement' in asked ? asked : undefined;
  const { by, ticket } = 'statement' in asked ? { by: asked.statement.person, ticket: asked.statement.ticket } : asked;
  mayAsk(desk, by, ticket, 'purge');
  const line = signed?.statement.line ?? node.lines[0];
  if (line === undefined) throw new ResealError('REFUSED', `Node ${name} follows no line; it has no keychains of reseal's.`);
  const input: AskedNode = { node: node.name, line, by: by as PersonId, ticket, ...(signed === undefined ? {} : { signed }) };
  mustBeMandated(desk.around.configuration(), input, { says: 'node-purge', node: node.name }, Date.now());
  const done = (await desk.client.workflow
    .execute('nodePurge', {
      workflowId: `purge/${name}/${randomUUID().slice(0, 8)}`,
      taskQueue: desk.taskQueue,
      args: [input],
      staticSummary: `purges keychains of ${name} (${by}, ${ticket})`,
    })
    .catch((error: unknown) => {
      throw refusalOf(error);
    })) as NodePurge;
  if ('purged' in done) return { schemaVersion: 1, node: name, ...done };
  throw new ResealError(done.code === 'NODE_UNREACHABLE' ? 'NODE_UNREACHABLE' : 'KEYCHAIN_FAILED', done.failed);
}
