import { scheduleText, type ScheduleView } from '../../presenters/schedule.js';
import { ApiClient } from '../api-client.js';
import { defineCommand } from '../command.js';

export const command = defineCommand({
  description: 'Show when the scan and the look for nodes that came back run, and what they ran last',
  arguments: {},
  options: {},
  async handler(context) {
    const view = await (await ApiClient.find(context)).get<ScheduleView>('/v1/schedule');
    context.output.show(view, () => scheduleText(view, context.output, context.now()));
  },
});
