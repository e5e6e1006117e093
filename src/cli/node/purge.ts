import { cameTooEarly } from '../../domain/node/purge.js';
import { purgeText, type NodePurgeView } from '../../presenters/purge.js';
import { ApiClient } from '../api-client.js';
import type { NodeName } from '../../domain/brands.js';
import { ResealError } from '../../domain/errors.js';
import { defineCommand } from '../command.js';
import { draftMandate, linesOf, signMandate } from '../mandate.js';
import { KEY_OPTION, withSigningKey } from '../signing-key.js';

export const command = defineCommand({
  description: 'Destroy the retired keychains of a node that no rollback can need any more; exit 4 before that',
  arguments: { node: { kind: 'text', required: true, description: 'A node of topology.yaml' } },
  options: {
    as: { kind: 'text', required: true, value: 'PERSON', description: 'who says it, by the roster (purge)' },
    ticket: { kind: 'text', required: true, value: 'TICKET', description: 'the change that this belongs to' },
    ...KEY_OPTION,
  },
  async handler(context, { node }, { as, ticket, key: named }) {
    const api = await ApiClient.find(context);
    const view = await withSigningKey(context, api, as, named, async (key) => {
      const path = `/v1/nodes/${encodeURIComponent(node)}/purge`;
      if (key === null) return api.post<NodePurgeView>(path, { by: as, ticket });
      const [first] = await linesOf(api, node);
      if (first === undefined) throw new ResealError('REFUSED', `Node ${node} follows no line; it has no keychains of reseal's.`);
      const mandate = await draftMandate(context, api, first.line, { as, ticket }, { says: 'node-purge', node: node as NodeName });
      return api.post<NodePurgeView>(path, await signMandate(context, key, mandate));
    });
    context.output.show(view, purgeText);
    return cameTooEarly(view) ? 4 : 0;
  },
});
