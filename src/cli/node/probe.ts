import { nodeText } from '../../presenters/node-text.js';
import type { NodeListView } from '../../presenters/node.js';
import { defineCommand } from '../command.js';
import { exitCodeOf, readNodes } from './read.js';

export const command = defineCommand({
  description: 'Probe nodes now, side by side; exit 1 when a check fails, 3 when a node cannot be reached',
  arguments: { node: { kind: 'list', description: 'Nodes of topology.yaml', required: true } },
  options: { at: { kind: 'text', description: 'Compare expiries with this date', value: 'DATE' } },
  async handler(context, { node }, { at }) {
    const nodes = await readNodes(context, [...new Set(node)], at, 'all');
    const view: NodeListView = { schemaVersion: 1, nodes };
    context.output.show(view, () => nodes.flatMap((one) => nodeText(one, context.output)));
    return exitCodeOf(nodes);
  },
});
