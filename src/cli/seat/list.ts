import type { SeatListView } from '../../presenters/seat.js';
import { seatListText } from '../../presenters/seat-text.js';
import { ApiClient } from '../api-client.js';
import { defineCommand } from '../command.js';

export const command = defineCommand({
  description: 'List the seats of signers: who holds one, who waits, who has booked one',
  arguments: {},
  options: {},
  async handler(context) {
    const view = await (await ApiClient.find(context)).get<SeatListView>('/v1/seats');
    context.output.show(view, () => seatListText(view, context.output, context.now()));
  },
});
