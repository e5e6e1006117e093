import { ResealError } from '../../domain/errors.js';
import type { StoredKey } from '../../temporal/codec/key-file.js';
import { defineCommand } from '../command.js';
import { FILE_OPTION, keyFile, keyNamed, readKeys, shownKey, writeKeys } from './file.js';

export const command = defineCommand({
  description: 'Write with another codec key from now on; the one before it is only read any more',
  arguments: { id: { kind: 'text', required: true, description: 'A key of the file' } },
  options: FILE_OPTION,
  async handler(context, { id }, { file: named }) {
    const file = keyFile(context, named);
    const keys = await readKeys(file);
    const wanted = keyNamed(keys, id, file);
    if (wanted.for !== 'control')
      throw new ResealError(
        'REFUSED',
        `${file} is the file of ${wanted.for}: activate the key at the control plane, and hand it out again.`,
      );
    if (wanted.status === 'active') throw new ResealError('ALREADY_DECIDED', `${id} is active already, since ${wanted.since}.`);
    const since = new Date(context.now()).toISOString();
    const changed = keys.map((key): StoredKey => {
      if (key.id === id) return { ...key, status: 'active', since };
      return key.status === 'active' ? { ...key, status: 'read-only', since } : key;
    });
    await writeKeys(file, changed);
    context.output.show({ schemaVersion: 1, file, keys: changed.map(shownKey) }, () => [
      `${id} is active in ${file}. Start API and workers again within a day, and \`reseal schedule ensure\` then; hand it out again to agents and gateways, which answer under the old one until then.`,
    ]);
  },
});
