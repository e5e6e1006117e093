import { rotationText } from '../../presenters/rotation-text.js';
import type { RotationView } from '../../presenters/rotation.js';
import { ApiClient } from '../api-client.js';
import { defineCommand } from '../command.js';
import { follow } from './follow.js';
import { SAID } from './tell.js';

export const command = defineCommand({
  description: 'Start a rotation of a line with all that is due on it',
  arguments: {},
  options: {
    line: { kind: 'text', description: 'Line of topology.yaml', required: true, value: 'LINE' },
    ...SAID,
    successor: { kind: 'list', description: 'Choose these successors where more than one fits', value: 'UUID' },
    at: { kind: 'text', description: 'Compare expiries with this date; simulated and staging nodes only', value: 'DATE' },
    after: { kind: 'text', description: 'Try the same successors again after this unsuccessful rotation', value: 'ID' },
    follow: { kind: 'flag', description: 'Stay and print what happens until it ends' },
  },
  async handler(context, _, { line, as, ticket, successor, at, after, follow: stays }) {
    const api = await ApiClient.find(context);
    const view = await api.post<RotationView>('/v1/rotations', {
      line,
      by: as,
      ticket,
      ...(successor.length === 0 ? {} : { successors: successor }),
      ...(at === undefined ? {} : { at }),
      ...(after === undefined ? {} : { after }),
    });
    if (stays) return follow(context, api, view.rotation.id);
    context.output.show(view, () => [
      ...rotationText(view, context.output, context.now()),
      '',
      `Follow it: reseal rotation watch ${view.rotation.id}`,
    ]);
    return 0;
  },
});
