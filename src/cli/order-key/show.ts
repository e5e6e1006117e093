import { loadConfiguration } from '../../configuration/load.js';
import { ResealError } from '../../domain/errors.js';
import { readOrderKey } from '../../identity/order-key.js';
import type { ResealConfiguration } from '../../schema/reseal.js';
import { configFolder } from '../config-folder.js';
import { defineCommand, type Context } from '../command.js';
import { FILE_OPTION, named } from './file.js';

export const command = defineCommand({
  description: 'Print the public half of the key that orders are signed with, one line, as machines pin it',
  arguments: {},
  options: FILE_OPTION,
  async handler(context, _, { file }) {
    const { line } = await readOrderKey(file === undefined ? declared(context) : { key: { file: named(context, file) } }, context.env);
    context.output.show({ schemaVersion: 1, key: line }, () => [line]);
  },
});

function declared(context: Context): NonNullable<ResealConfiguration['orders']> {
  const { orders } = loadConfiguration(configFolder(context)).reseal;
  if (orders !== undefined) return orders;
  throw new ResealError('CONFIG_INVALID', 'reseal.yaml declares no orders.key, so orders are not signed. Declare one (docs/agents.md), or name a file with --file.'); // prettier-ignore
}
