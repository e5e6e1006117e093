import { nodeExpectedText, type NodeExpectedView } from '../../presenters/node-expected.js';
import { ApiClient } from '../api-client.js';
import { defineCommand } from '../command.js';

export const command = defineCommand({
  description: 'Print what a node should have by the manifest in force: profiles, identities, settings; the node is not asked',
  arguments: { node: { kind: 'text', description: 'Node of topology.yaml', required: true } },
  options: {},
  async handler(context, { node }) {
    const api = await ApiClient.find(context);
    const view = await api.get<NodeExpectedView>(`/v1/nodes/${encodeURIComponent(node)}/expected`);
    context.output.show(view, () => nodeExpectedText(view, context.output));
    return 0;
  },
});
