import { rotationListText } from '../../presenters/rotation-text.js';
import type { RotationListView } from '../../presenters/rotation.js';
import { ApiClient } from '../api-client.js';
import { defineCommand } from '../command.js';

export const command = defineCommand({
  description: 'List rotations, newest first',
  arguments: {},
  options: { line: { kind: 'text', description: 'Of this line only', value: 'LINE' } },
  async handler(context, _, { line }) {
    const api = await ApiClient.find(context);
    const view = await api.get<RotationListView>(`/v1/rotations${line === undefined ? '' : `?line=${encodeURIComponent(line)}`}`);
    context.output.show(view, () => rotationListText(view, context.output, context.now()));
  },
});
