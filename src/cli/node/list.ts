import { nodeListText } from '../../presenters/node-text.js';
import type { NodeListView } from '../../presenters/node.js';
import { ApiClient } from '../api-client.js';
import { defineCommand } from '../command.js';

export const command = defineCommand({
  description: 'List the declared nodes, with what was last read off each',
  arguments: {},
  options: {},
  async handler(context) {
    const view = await (await ApiClient.find(context)).get<NodeListView>('/v1/nodes');
    context.output.show(view, () => nodeListText(view, context.output, context.now()));
  },
});
