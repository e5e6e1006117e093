import { ResealError } from '../../domain/errors.js';
import { nodeDiff } from '../../presenters/node-diff.js';
import { nodeDiffText } from '../../presenters/node-text.js';
import { defineCommand } from '../command.js';
import { readNodes } from './read.js';

export const command = defineCommand({
  description: 'Compare two nodes as they are now; exit 1 when they differ in something that builds depend on',
  arguments: {
    one: { kind: 'text', description: 'Node of topology.yaml', required: true },
    other: { kind: 'text', description: 'Node to compare it with', required: true },
  },
  options: {},
  async handler(context, { one, other }) {
    const [mine, theirs] = await readNodes(context, [one, other], undefined);
    if (mine === undefined || theirs === undefined)
      throw new ResealError('INTERNAL', 'The control API answered without the nodes that it was asked for.');
    const view = nodeDiff(mine, theirs);
    context.output.show(view, () => nodeDiffText(view, context.output));
    return view.differences.length === 0 ? 0 : 1;
  },
});
