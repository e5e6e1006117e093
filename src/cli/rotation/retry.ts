import { defineCommand } from '../command.js';
import { ARGUMENTS, SAID, tell } from './tell.js';

export const command = defineCommand({
  description: 'Give nodes in trouble another turn',
  arguments: ARGUMENTS,
  options: { ...SAID, node: { kind: 'list', description: 'Node in trouble', required: true, value: 'NODE' } },
  handler: (context, { id }, { node, ...said }) => tell(context, id, 'retry', said, { nodes: node }),
});
