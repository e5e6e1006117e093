import { defineCommand } from '../command.js';
import { change, SCHEDULE_OPTIONS } from './change.js';

export const command = defineCommand({
  description: 'Scan now, and look for nodes that came back',
  arguments: {},
  options: SCHEDULE_OPTIONS,
  handler: (context, _, asked) => change(context, 'trigger', asked),
});
