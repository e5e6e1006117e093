import { defineCommand } from '../command.js';
import { ARGUMENTS, SAID, tell } from './tell.js';

export const command = defineCommand({
  description: 'Stop at the next node boundary; it goes on by itself at the latest safe time',
  arguments: ARGUMENTS,
  options: SAID,
  handler: (context, { id }, said) => tell(context, id, 'pause', said),
});
