import { planText, type PlanView } from '../../presenters/plan-text.js';
import { ApiClient } from '../api-client.js';
import { defineCommand } from '../command.js';

export const command = defineCommand({
  description: 'Show what a rotation would do and whether the time suffices; exit 1 when it must not begin',
  arguments: {},
  options: {
    line: { kind: 'text', description: 'Line of topology.yaml', required: true, value: 'LINE' },
    as: { kind: 'text', description: 'Who would ask for it: counts in who may approve', value: 'PERSON' },
    successor: { kind: 'list', description: 'Choose these successors where more than one fits', value: 'UUID' },
    at: { kind: 'text', description: 'Compare expiries with this date', value: 'DATE' },
    revoked: { kind: 'text', description: 'What an emergency would do that replaces this certificate', value: 'SERIAL' },
    after: { kind: 'text', description: 'As if the same successors were tried again after this unsuccessful rotation', value: 'ID' },
  },
  async handler(context, _, { line, as, successor, at, after, revoked }) {
    const api = await ApiClient.find(context);
    const view = await api.post<PlanView>('/v1/rotations/plan', {
      line,
      ...(as === undefined ? {} : { by: as }),
      ...(successor.length === 0 ? {} : { successors: successor }),
      ...(at === undefined ? {} : { at }),
      ...(after === undefined ? {} : { after }),
      ...(revoked === undefined ? {} : { revoked }),
    });
    context.output.show(view, () => planText(view, context.output, context.now()));
    return view.feasible ? 0 : 1;
  },
});
