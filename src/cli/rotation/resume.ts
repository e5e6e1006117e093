import { defineCommand } from '../command.js';
import { ARGUMENTS, SAID, tell } from './tell.js';

export const command = defineCommand({
  description: 'Go on after a pause',
  arguments: ARGUMENTS,
  options: SAID,
  handler: (context, { id }, said) => tell(context, id, 'resume', said),
});
