import { defineCommand } from './command.js';
import { runService, whereText } from './run-service.js';

export const command = defineCommand({
  description: 'Run the control API',
  arguments: {},
  options: {},
  handler: (context) => runService(context, ['api'], (service) => [...whereText(service), 'Ctrl-C ends it.']),
});
