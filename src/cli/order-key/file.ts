import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { loadConfiguration } from '../../configuration/load.js';
import { ResealError } from '../../domain/errors.js';
import { configFolder } from '../config-folder.js';
import type { Context } from '../command.js';

/** Of every command on the key. */
export const FILE_OPTION = {
  file: { kind: 'text', description: 'The file of the key; default: by orders.key of reseal.yaml', value: 'FILE' },
} as const;

export const named = (context: Context, file: string): string => resolve(context.cwd, file);

/** @throws ResealError CONFIG_INVALID where none is named, and reseal.yaml names no file */
export function orderKeyFile(context: Context, file: string | undefined): string {
  if (file !== undefined) return named(context, file);
  const { orders } = loadConfiguration(configFolder(context)).reseal;
  if (orders !== undefined && 'file' in orders.key) return orders.key.file;
  throw new ResealError(
    'CONFIG_INVALID',
    'reseal.yaml names no file for the key that orders are signed with. Declare orders: {key: {file: PATH}}, or name a file with --file.',
  );
}

/** Never over a key that is there: nodes follow it. @throws ResealError REFUSED, FILE_UNREADABLE */
export function writeNewKey(file: string, secret: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(file, secret, { mode: 0o600, flag: 'wx' });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST')
      throw new ResealError('REFUSED', `${file} is there already, and was left as it is. To replace a key, make the new one in another file (--file), pin both on every machine, then name it in reseal.yaml.`); // prettier-ignore
    throw new ResealError('FILE_UNREADABLE', `${file} cannot be written. Correct the mode of its folder, or name another file.`, { cause });
  }
}

export const pinText = (key: string): readonly string[] => [
  'Once reseal.yaml names it and every rotation that began before has ended, pin it on the machine of each agent and gateway:',
  '',
  `    reseal node enroll NODE --control "${key}"`,
];
