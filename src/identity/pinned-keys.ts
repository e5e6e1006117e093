import { readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ResealError } from '../domain/errors.js';
import { fingerprintOf } from '../statement/standing.js';
import { writeWhole } from './whole-file.js';

/** Beside the machine's own key: public keys of the installation, `ssh-ed25519 AAAA…`, one per line. */
const FILE = 'control.keys';

/**
 * The keys of the installation that this machine follows orders of, read now; none: it follows every order.
 * @param folder state of the node, or of the gateway
 * @throws ResealError IDENTITY_UNAVAILABLE where the file is there and cannot be read, or says none: that is no leave to follow everybody
 */
export async function pinnedKeysIn(folder: string): Promise<readonly string[]> {
  const path = join(folder, FILE);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new ResealError('IDENTITY_UNAVAILABLE', `${path} cannot be read: ${(error as Error).message}.`, { cause: error });
  }
  const keys = text.split('\n').filter((line) => line.trim() !== '');
  if (keys.length === 0 || keys.some((key) => fingerprintOf(key) === null))
    throw new ResealError('IDENTITY_UNAVAILABLE', `${path} does not say whose orders count. Pin the installation's key anew: \`reseal node enroll --control KEY\`.`); // prettier-ignore
  return keys;
}

/**
 * From now on orders of these keys are followed, and no others; of none, every order.
 * @throws ResealError USAGE where one is no public key, NODE_WRITE_FAILED
 */
export async function pinKeys(folder: string, keys: readonly string[]): Promise<void> {
  for (const key of keys)
    if (!/^ssh-ed25519 [A-Za-z0-9+/]+={0,2}$/.test(key) || fingerprintOf(key) === null)
      throw new ResealError('USAGE', `--control takes a public key as \`reseal order-key show\` prints it, "ssh-ed25519 AAAA…", not ${JSON.stringify(key)}.`); // prettier-ignore
  const path = join(folder, FILE);
  try {
    if (keys.length === 0) await rm(path, { force: true });
    else await writeWhole(path, `${keys.join('\n')}\n`, 0o644, (draft) => rename(draft, path));
  } catch (error) {
    throw new ResealError('NODE_WRITE_FAILED', `${path} could not be written: ${(error as Error).message}. Run it as the account that serves the node.`, { cause: error }); // prettier-ignore
  }
}
