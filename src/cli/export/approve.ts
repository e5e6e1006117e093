import { defineCommand } from '../command.js';
import { ARGUMENTS, SAID, tellExport } from './say.js';

export const command = defineCommand({
  description: 'Approve exactly the export that is shown; with the last approval its node exports',
  arguments: ARGUMENTS,
  options: SAID,
  handler: (context, { id }, said) => tellExport(context, id, 'approve', said, ({ binds }) => ({ says: 'export-approve', binds })),
});
