import { defineCommand } from '../command.js';
import { change } from './change.js';

export const command = defineCommand({
  description: 'Scan now',
  arguments: {},
  options: {},
  handler: (context) => change(context, 'trigger'),
});
