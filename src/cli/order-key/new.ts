import { newMachineKey, readMachineKey } from '../../statement/machine-key.js';
import { defineCommand } from '../command.js';
import { FILE_OPTION, orderKeyFile, pinText, writeNewKey } from './file.js';

export const command = defineCommand({
  description: 'Make the key that orders to agents and gateways are signed with, and show its public half to pin on their machines',
  arguments: {},
  options: FILE_OPTION,
  async handler(context, _, { file: named }) {
    const file = orderKeyFile(context, named);
    const secret = newMachineKey();
    const { line } = readMachineKey(secret, file, 'reseal order-key new');
    writeNewKey(file, secret);
    context.output.show({ schemaVersion: 1, file, key: line }, () => [`Made ${file}; only this account reads it.`, ...pinText(line)]);
  },
});
