import { defineCommand } from '../command.js';
import { change } from './change.js';

export const command = defineCommand({
  description: 'Stop scanning, and looking for nodes that came back, until `schedule ensure`',
  arguments: {},
  options: {},
  handler: (context) => change(context, 'pause'),
});
