import { defineCommand } from '../command.js';
import { ARGUMENTS, REASON, SAID, tell } from './tell.js';

export const command = defineCommand({
  description: 'Reject what is to be approved: the canary goes back, the new profiles go away',
  arguments: ARGUMENTS,
  options: { ...SAID, ...REASON },
  handler: (context, { id }, { reason, ...said }) => tell(context, id, 'reject', said, reason === undefined ? {} : { reason }),
});
