import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { readSecret } from '../../secret/read-secret.js';
import { loadConfiguration } from '../../configuration/load.js';
import { ResealError } from '../../domain/errors.js';
import { controlKeys } from '../../temporal/codec/declared.js';
import { keysText, parseKeys, type StoredKey } from '../../temporal/codec/key-file.js';
import { configFolder } from '../config-folder.js';
import type { Context } from '../command.js';
import { homeFolder } from '../home.js';
import { bytesOrNone, replaceFile } from '../replace-file.js';

/** Of every command on keys. */
export const FILE_OPTION = {
  file: { kind: 'text', description: "The key file; default: the control plane's, by reseal.yaml", value: 'FILE' },
} as const;

/** The key file that is meant. @throws ResealError CONFIG_INVALID where payloads are plain or keys come from elsewhere, and no file was named */
export function keyFile(context: Context, named: string | undefined): string {
  if (named !== undefined) return resolve(context.cwd, named);
  const keys = controlKeys(loadConfiguration(configFolder(context)), homeFolder(context.home, context.env, context.cwd));
  if (keys?.kind === 'home') return keys.file;
  if (keys !== null && 'file' in keys.source) return keys.source.file;
  throw new ResealError(
    'CONFIG_INVALID',
    keys === null
      ? 'Payloads of this installation are plain, so it has no key file. Declare codec in reseal.yaml, or name a file with --file.'
      : 'The codec keys of this installation come from a variable or a command. Name the file that holds them with --file, and put it back where they come from.',
  );
}

/** @throws ResealError SOURCE_REFUSED, CONFIG_INVALID */
export const readKeys = async (file: string): Promise<readonly StoredKey[]> =>
  parseKeys(await readSecret({ file }, 'The key file of the payload codec', 'codec.control', {}), file);

/** The keys of a file; none where there is no file. @throws ResealError SOURCE_REFUSED, CONFIG_INVALID */
export const keysOrNone = async (file: string): Promise<readonly StoredKey[]> => (existsSync(file) ? readKeys(file) : []);

/** In one step, readable by this account alone. @throws ResealError REFUSED, FILE_UNREADABLE */
export async function writeKeys(file: string, keys: readonly StoredKey[]): Promise<void> {
  const before = await bytesOrNone(file);
  if (before !== null) {
    chmodSync(file, 0o600);
    return replaceFile(file, before, Buffer.from(keysText(keys)));
  }
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(file, keysText(keys), { mode: 0o600, flag: 'wx' });
  } catch (cause) {
    throw new ResealError('FILE_UNREADABLE', `${file} cannot be written. Correct the mode of its folder, or name another file.`, { cause });
  }
}

/** @throws ResealError NOT_FOUND */
export function keyNamed(keys: readonly StoredKey[], id: string, file: string): StoredKey {
  const found = keys.find((key) => key.id === id);
  if (found !== undefined) return found;
  throw new ResealError('NOT_FOUND', `${file} has no key ${id}. It has ${keys.map((key) => key.id).join(', ') || 'none'}.`);
}

/** A key as it is shown: never the key itself. */
export const shownKey = ({ id, for: audience, status, since }: StoredKey) => ({ id, for: audience, status, since });
