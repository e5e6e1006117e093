import { defineCommand } from '../command.js';
import { ARGUMENTS, SAID, tell } from './tell.js';

export const command = defineCommand({
  description: 'Take back your approval',
  arguments: ARGUMENTS,
  options: SAID,
  handler: (context, { id }, said) => tell(context, id, 'withdraw', said),
});
