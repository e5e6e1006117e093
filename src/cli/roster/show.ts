import { rosterText } from '../../presenters/roster-text.js';
import type { RosterView } from '../../presenters/roster.js';
import { ApiClient } from '../api-client.js';
import { defineCommand } from '../command.js';

export const command = defineCommand({
  description: 'Show who is on the roster, with which keys and rights, since when and by whom, and what differs from the adopted one',
  arguments: {},
  options: {},
  async handler(context) {
    const view = await (await ApiClient.find(context)).get<RosterView>('/v1/roster');
    context.output.show(view, () => rosterText(view, context.output, context.now()));
  },
});
