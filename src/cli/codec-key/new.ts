import { newRootKey } from '../../temporal/codec/key-file.js';
import { defineCommand } from '../command.js';
import { FILE_OPTION, keyFile, keysOrNone, shownKey, writeKeys } from './file.js';

export const command = defineCommand({
  description: 'Make a codec key: the first one is active, any other is only read until it is activated',
  arguments: {},
  options: FILE_OPTION,
  async handler(context, _, { file: named }) {
    const file = keyFile(context, named);
    const keys = await keysOrNone(file);
    const made = newRootKey(keys.length === 0 ? 'active' : 'read-only', context.now());
    await writeKeys(file, [...keys, made]);
    const view = { schemaVersion: 1, file, made: shownKey(made) };
    context.output.show(view, () => [
      `Made ${made.id} in ${file}.`,
      made.status === 'active'
        ? 'Payloads are encrypted under it from the next start of API and workers on.'
        : `Hand it out to agents and gateways (\`reseal codec-key hand-out\`), start API, workers, agents and gateways again, then \`reseal codec-key activate ${made.id}\`.`,
    ]);
  },
});
