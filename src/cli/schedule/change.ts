import type { ScheduleView } from '../../presenters/schedule.js';
import { scheduleText } from '../../presenters/schedule.js';
import { ApiClient } from '../api-client.js';
import type { Context } from '../command.js';

export async function change(context: Context, action: 'ensure' | 'trigger' | 'pause' | 'remove', at?: string): Promise<void> {
  const api = await ApiClient.find(context);
  const view = await api.post<ScheduleView>('/v1/schedule', { action, ...(at === undefined ? {} : { at }) });
  context.output.show(view, () => scheduleText(view, context.output, context.now()));
}
