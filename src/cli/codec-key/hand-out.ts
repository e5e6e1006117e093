import { resolve } from 'node:path';
import { isAudience, type Audience } from '../../domain/codec/audience.js';
import { ResealError } from '../../domain/errors.js';
import { handedOut } from '../../temporal/codec/key-ring.js';
import { defineCommand } from '../command.js';
import { FILE_OPTION, keyFile, readKeys, shownKey, writeKeys } from './file.js';

export const command = defineCommand({
  description: 'Make the key file of an agent or a gateway: it reads what is for them, and nothing else',
  arguments: {},
  options: {
    for: {
      kind: 'list',
      description: 'Whose: node/NAME of an agent, gateway/REGION of a gateway; several only where one machine stands in for a mesh',
      required: true,
      value: 'WHO',
    },
    to: { kind: 'text', description: 'The file to write, mode 0600: to be put where codec.nodes says', required: true, value: 'FILE' },
    ...FILE_OPTION,
  },
  async handler(context, _, { for: names, to, file: named }) {
    const file = keyFile(context, named);
    const audiences = names.map(audienceNamed);
    const roots = await readKeys(file);
    const keys = audiences.flatMap((audience) => handedOut(audience, roots));
    if (keys.length === 0) throw new ResealError('REFUSED', `${file} holds no key of the control plane, from which others could be made.`);
    const target = resolve(context.cwd, to);
    if (target === file) throw new ResealError('USAGE', `${to} is the key file of the control plane. Name another one with --to.`);
    await writeKeys(target, keys);
    context.output.show({ schemaVersion: 1, file: target, keys: keys.map(shownKey) }, () => [
      `${target} holds the keys of ${audiences.join(', ')}. Take it where codec.nodes says, over a way that nobody reads, and remove it here.`,
    ]);
  },
});

/** @throws ResealError USAGE */
function audienceNamed(text: string): Audience {
  if (isAudience(text) && text !== 'control') return text;
  throw new ResealError('USAGE', `${text} is neither node/NAME nor gateway/REGION.`);
}
