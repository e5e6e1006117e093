import type { SeatUsageView } from '../../presenters/seat.js';
import { seatUsageCsv, seatUsageText } from '../../presenters/seat-text.js';
import { ApiClient } from '../api-client.js';
import { defineCommand } from '../command.js';
import { durationOf } from '../given.js';

export const command = defineCommand({
  description: 'Show how long seats were held and waited for, day by day',
  arguments: {},
  options: {
    since: { kind: 'text', description: 'How far back (default: 30d)', value: 'DURATION' },
    by: { kind: 'text', description: 'pipeline (default), holder or node', value: 'WHAT' },
    csv: { kind: 'flag', description: 'Print comma-separated values' },
  },
  async handler(context, _, { since, by, csv }) {
    const from = new Date(context.now() - durationOf('--since', since ?? '30d')).toISOString();
    const query = new URLSearchParams({ since: from, by: by ?? 'pipeline' });
    const view = await (await ApiClient.find(context)).get<SeatUsageView>(`/v1/seats/usage?${query.toString()}`);
    context.output.show(view, () => (csv ? seatUsageCsv(view) : seatUsageText(view, context.output)));
  },
});
