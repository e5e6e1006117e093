import { standingText } from '../../presenters/seat-text.js';
import { ApiClient } from '../api-client.js';
import { defineCommand } from '../command.js';
import { durationOf } from '../given.js';
import { CLAIM, claimSeat } from './claim.js';

export const command = defineCommand({
  description: "Take a signer's seat, and print its token; exit 4 when it is not to be had in time",
  arguments: { node: { kind: 'text', description: 'Signer; or give --line' } },
  options: {
    ...CLAIM,
    line: { kind: 'text', description: 'Any signer of this line: the one with the shortest queue', value: 'LINE' },
    wait: { kind: 'text', description: 'How long to wait in the queue (default: not at all)', value: 'DURATION' },
  },
  async handler(context, { node }, { wait, ...wanted }) {
    const api = await ApiClient.find(context);
    const standing = await claimSeat(context, api, { ...wanted, node, wait: wait === undefined ? 0 : durationOf('--wait', wait) });
    context.output.show(standing, () => standingText(standing, context.output, context.now()));
  },
});
