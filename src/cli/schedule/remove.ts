import { defineCommand } from '../command.js';
import { change } from './change.js';

export const command = defineCommand({
  description: 'Remove the scan and the look for nodes that came back; rotations in flight go on',
  arguments: {},
  options: {},
  handler: (context) => change(context, 'remove'),
});
