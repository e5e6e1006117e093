import { defineCommand } from '../command.js';
import { change, SCHEDULE_OPTIONS } from './change.js';

export const command = defineCommand({
  description: 'Remove the scan and the look for nodes that came back; rotations in flight go on',
  arguments: {},
  options: SCHEDULE_OPTIONS,
  handler: (context, _, asked) => change(context, 'remove', asked),
});
