import { rotationNodesText, rotationText } from '../../presenters/rotation-text.js';
import type { RotationNodesView, RotationView } from '../../presenters/rotation.js';
import { ApiClient } from '../api-client.js';
import { defineCommand } from '../command.js';
import { ARGUMENTS, pathOf } from './tell.js';

export const command = defineCommand({
  description: 'Show where a rotation stands, what it waits for and what can be done',
  arguments: ARGUMENTS,
  options: { nodes: { kind: 'flag', description: 'Node by node' } },
  async handler(context, { id }, { nodes }) {
    const api = await ApiClient.find(context);
    if (nodes) {
      const view = await api.get<RotationNodesView>(pathOf(id, '/nodes'));
      context.output.show(view, () => rotationNodesText(view, context.output));
      return;
    }
    const view = await api.get<RotationView>(pathOf(id));
    context.output.show(view, () => rotationText(view, context.output, context.now()));
  },
});
