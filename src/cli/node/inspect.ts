import { nodeText } from '../../presenters/node-text.js';
import type { NodeListView } from '../../presenters/node.js';
import { ApiClient } from '../api-client.js';
import { defineCommand } from '../command.js';

export const command = defineCommand({
  description: 'Read node truth now: what is active, accepted, present; exit 1 when a check fails',
  arguments: { node: { kind: 'text', description: 'Node of topology.yaml', required: true } },
  options: { at: { kind: 'text', description: 'Compare expiries with this date', value: 'DATE' } },
  async handler(context, { node }, { at }) {
    const view = await (
      await ApiClient.find(context)
    ).get<NodeListView>(`/v1/nodes/${encodeURIComponent(node)}${at === undefined ? '' : `?at=${encodeURIComponent(at)}`}`);
    context.output.show(view, () => view.nodes.flatMap((one) => nodeText(one, context.output)));
    const lines = view.nodes.flatMap((one) => one.lines);
    if (lines.some((line) => line.verdict === 'unreachable')) return 3;
    return lines.every((line) => line.verdict === 'pass') ? 0 : 1;
  },
});
