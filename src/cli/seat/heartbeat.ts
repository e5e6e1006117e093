import type { SeatStandingView } from '../../presenters/seat.js';
import { standingText } from '../../presenters/seat-text.js';
import { ApiClient } from '../api-client.js';
import { defineCommand } from '../command.js';
import { seatPath } from './claim.js';

export const command = defineCommand({
  description: 'Say that the holder of a seat is alive; exit 4 when it has lost it',
  arguments: { node: { kind: 'text', required: true, description: 'Signer' } },
  options: { token: { kind: 'text', required: true, description: 'Token that `seat acquire` printed', value: 'TOKEN' } },
  async handler(context, { node }, { token }) {
    const view = await (await ApiClient.find(context)).post<SeatStandingView>(seatPath(node, 'heartbeat'), { token });
    context.output.show(view, () => standingText(view, context.output, context.now()));
  },
});
