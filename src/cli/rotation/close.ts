import { ResealError } from '../../domain/errors.js';
import { defineCommand } from '../command.js';
import { KEY_OPTION } from '../signing-key.js';
import { ARGUMENTS, tell } from './tell.js';

export const command = defineCommand({
  description: 'End an escalated rotation as it is, with the list of nodes in neither state',
  arguments: ARGUMENTS,
  options: {
    as: { kind: 'text', description: 'How it ends: partial', required: true, value: 'OUTCOME' },
    by: { kind: 'text', description: 'The person who says it, by the roster', required: true, value: 'PERSON' },
    ticket: { kind: 'text', description: 'Ticket id', required: true, value: 'TICKET' },
    ...KEY_OPTION,
  },
  async handler(context, { id }, { as, by, ticket, key }) {
    if (as !== 'partial') throw new ResealError('USAGE', `A rotation is closed --as partial, not as ${as}.`);
    await tell(context, id, 'close', { as: by, ticket, key }, { as: 'partial' });
  },
});
