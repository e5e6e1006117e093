import { defineCommand } from '../command.js';
import { ARGUMENTS, REASON, SAID, tell } from './tell.js';

export const command = defineCommand({
  description: 'Bring every node back to the old assets; also after a rotation has completed',
  arguments: ARGUMENTS,
  options: { ...SAID, ...REASON },
  handler: (context, { id }, { reason, ...said }) => tell(context, id, 'rollback', said, reason === undefined ? {} : { reason }),
});
