import { nodeScript } from '../../node-shell/ssh/script.js';
import { defineCommand } from '../command.js';

export const command = defineCommand({
  description: 'Print reseal-node, the program to install on a Mac that is reached over SSH',
  arguments: {},
  options: {},
  async handler(context) {
    const script = nodeScript();
    context.output.show({ schemaVersion: 1, script }, () => script.trimEnd().split('\n'));
  },
});
