import { defineCommand } from '../command.js';
import { ARGUMENTS, SAID, tellExport } from './say.js';

export const command = defineCommand({
  description: 'Reject an export: nothing leaves the node, and what is sealed already is not handed out',
  arguments: ARGUMENTS,
  options: { ...SAID, reason: { kind: 'text', description: 'Why; kept on the record', value: 'TEXT' } },
  handler: (context, { id }, { reason, ...said }) =>
    tellExport(context, id, 'reject', said, ({ binds }) => ({ says: 'export-reject', binds, reason: reason ?? null })),
});
