import { defineCommand } from './command.js';
import { runService, whereText } from './run-service.js';

export const command = defineCommand({
  description: 'Run a worker: workflows, and the nodes that it reaches',
  arguments: {},
  options: {},
  handler: (context) => runService(context, ['worker'], (service) => [...whereText(service), 'Ctrl-C ends it.']),
});
