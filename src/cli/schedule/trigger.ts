import { defineCommand } from '../command.js';
import { change } from './change.js';

export const command = defineCommand({
  description: 'Scan now, and look for nodes that came back',
  arguments: {},
  options: {},
  handler: (context) => change(context, 'trigger'),
});
