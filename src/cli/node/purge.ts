import { cameTooEarly } from '../../domain/node/purge.js';
import { purgeText, type NodePurgeView } from '../../presenters/purge.js';
import { ApiClient } from '../api-client.js';
import { defineCommand } from '../command.js';

export const command = defineCommand({
  description: 'Destroy the retired keychains of a node that no rollback can need any more; exit 4 before that',
  arguments: { node: { kind: 'text', required: true, description: 'A node of topology.yaml' } },
  options: {
    as: { kind: 'text', required: true, value: 'PERSON', description: 'who says it, by the roster (purge)' },
    ticket: { kind: 'text', required: true, value: 'TICKET', description: 'the change that this belongs to' },
  },
  async handler(context, { node }, { as, ticket }) {
    const api = await ApiClient.find(context);
    const view = await api.post<NodePurgeView>(`/v1/nodes/${encodeURIComponent(node)}/purge`, { by: as, ticket });
    context.output.show(view, purgeText);
    return cameTooEarly(view) ? 4 : 0;
  },
});
