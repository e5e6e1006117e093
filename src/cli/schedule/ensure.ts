import { defineCommand } from '../command.js';
import { change, SCHEDULE_OPTIONS } from './change.js';

export const command = defineCommand({
  description: 'Create the scan and the look for nodes that came back, or bring both to what the policy says',
  arguments: {},
  options: {
    ...SCHEDULE_OPTIONS,
    at: { kind: 'text', description: 'Scans compare expiries with this date; simulated and staging nodes only', value: 'DATE' },
  },
  handler: (context, _, asked) => change(context, 'ensure', asked),
});
