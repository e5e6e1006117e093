import { defineCommand } from './command.js';
import { runService, whereText } from './run-service.js';

export const command = defineCommand({
  description: 'Run everything in one process: Temporal and database unless configured, control API, worker',
  arguments: {},
  options: {},
  handler: (context) => runService(context, ['api', 'worker'], (service) => [...whereText(service), 'Ctrl-C ends it.']),
});
