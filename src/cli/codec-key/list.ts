import { defineCommand } from '../command.js';
import { FILE_OPTION, keyFile, readKeys, shownKey } from './file.js';

export const command = defineCommand({
  description: 'List the codec keys of a key file, never the keys themselves',
  arguments: {},
  options: FILE_OPTION,
  async handler(context, _, { file: named }) {
    const file = keyFile(context, named);
    const view = { schemaVersion: 1, file, keys: (await readKeys(file)).map(shownKey) };
    context.output.show(view, ({ keys }) =>
      context.output.table(
        ['KEY', 'FOR', 'STATUS', 'SINCE'],
        keys.map(({ id, for: audience, status, since }) => [id, audience, status, since]),
      ),
    );
  },
});
