import { defineCommand } from '../command.js';
import { ARGUMENTS, SAID, tellExport } from './say.js';

export const command = defineCommand({
  description: 'Take back your request, which ends it, or your approval, which counts no more',
  arguments: ARGUMENTS,
  options: SAID,
  handler: (context, { id }, said) =>
    tellExport(context, id, 'withdraw', said, ({ id: name, binds }) => ({ says: 'export-withdraw', export: name, request: binds.request })),
});
