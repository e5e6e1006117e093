import { defineCommand } from '../command.js';
import { ARGUMENTS, REASON, SAID, tell } from './tell.js';

export const command = defineCommand({
  description: 'Leave nodes in trouble out; more than may be unavailable only where two persons say so',
  arguments: ARGUMENTS,
  options: { ...SAID, node: { kind: 'list', description: 'Node in trouble', required: true, value: 'NODE' }, ...REASON },
  handler: (context, { id }, { node, reason, ...said }) =>
    tell(context, id, 'exclude', said, { nodes: node, ...(reason === undefined ? {} : { reason }) }),
});
