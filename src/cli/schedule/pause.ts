import { defineCommand } from '../command.js';
import { change, SCHEDULE_OPTIONS } from './change.js';

export const command = defineCommand({
  description: 'Stop scanning, and looking for nodes that came back, until `schedule ensure`',
  arguments: {},
  options: SCHEDULE_OPTIONS,
  handler: (context, _, asked) => change(context, 'pause', asked),
});
