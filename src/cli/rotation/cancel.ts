import { defineCommand } from '../command.js';
import { ARGUMENTS, REASON, SAID, tell } from './tell.js';

export const command = defineCommand({
  description: 'End a rotation: at once before a node was changed, by an ordered rollback after that',
  arguments: ARGUMENTS,
  options: { ...SAID, ...REASON },
  handler: (context, { id }, { reason, ...said }) => tell(context, id, 'cancel', said, reason === undefined ? {} : { reason }),
});
