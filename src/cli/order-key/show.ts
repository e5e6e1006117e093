import { loadConfiguration } from '../../configuration/load.js';
import { ResealError } from '../../domain/errors.js';
import { readOrderKey } from '../../identity/order-key.js';
import { readMachineKey } from '../../statement/machine-key.js';
import { readSecret } from '../../secret/read-secret.js';
import { configFolder } from '../config-folder.js';
import { defineCommand } from '../command.js';
import { FILE_OPTION, named as namedFile } from './file.js';

export const command = defineCommand({
  description: 'Print the public half of the key that orders are signed with, one line, as machines pin it',
  arguments: {},
  options: FILE_OPTION,
  async handler(context, _, { file }) {
    const key = file === undefined ? await declared() : await ofFile(namedFile(context, file));
    context.output.show({ schemaVersion: 1, key: key.line }, () => [key.line]);

    async function declared() {
      const { orders } = loadConfiguration(configFolder(context)).reseal;
      if (orders === undefined)
        throw new ResealError('CONFIG_INVALID', 'reseal.yaml declares no orders.key, so orders are not signed. Declare one (docs/agents.md), or name a file with --file.'); // prettier-ignore
      return readOrderKey(orders, context.env);
    }
    async function ofFile(path: string) {
      return readMachineKey(
        await readSecret({ file: path }, 'The key that orders are signed with', 'orders.key', {}),
        path,
        'reseal order-key new',
      );
    }
  },
});
