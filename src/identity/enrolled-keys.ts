import { chmod, link, readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ResealError } from '../domain/errors.js';
import { newMachineKey, readMachineKey, type MachineKey } from '../statement/machine-key.js';
import { writeWhole } from './whole-file.js';

/** The key in use, and one that is to replace it. */
const CURRENT = 'node.key';
const NEXT = 'node.key.next';

/** Where a gateway has its key. @param home of reseal on this machine */
export const gatewayFolder = (home: string, region: string): string => join(home, `gateway-${encodeURIComponent(region)}`);

/** What has come of an enrolment; `declared` is what the configuration says. */
export type Enrolment =
  /** `made`: there was none before. */
  | { readonly kind: 'enrolled'; readonly key: string; readonly made: boolean; readonly declared: boolean }
  /** Both are to be declared until nothing is in flight that was begun before. */
  | { readonly kind: 'replacing'; readonly key: string; readonly next: string; readonly declared: 'neither' | 'old' | 'both' }
  /** The configuration declares the new one alone: the old one has been deleted. */
  | { readonly kind: 'replaced'; readonly key: string };

/**
 * The keys of who answers for nodes from this machine, read now; the one that is to replace the other first.
 * @param folder state of the node, or of the gateway
 * @throws ResealError IDENTITY_UNAVAILABLE where a file is none, or other accounts may read it
 */
export async function enrolledKeysIn(folder: string): Promise<readonly MachineKey[]> {
  const keys = [await keyAt(join(folder, NEXT)), await keyAt(join(folder, CURRENT))];
  return keys.filter((key) => key !== null);
}

/**
 * Makes the key of this machine where there is none, or with `renew` one that is to replace it; the private half never leaves it.
 * @param declared public keys of the configuration
 * @throws ResealError IDENTITY_UNAVAILABLE, NODE_WRITE_FAILED
 */
export async function enroll(folder: string, declared: readonly string[], renew: 'renew' | 'keep'): Promise<Enrolment> {
  const [current, next] = [join(folder, CURRENT), join(folder, NEXT)];
  const made = (await keyAt(current)) === null;
  if (made) await make(folder, current);
  const { line } = await keyThere(current);
  if (renew === 'renew' && !made && (await keyAt(next)) === null) await make(folder, next);
  const coming = await keyAt(next);
  if (coming === null) return { kind: 'enrolled', key: line, made, declared: declared.includes(line) };
  if (declared.includes(coming.line) && !declared.includes(line)) {
    await rename(next, current);
    return { kind: 'replaced', key: coming.line };
  }
  const both = declared.includes(line) && declared.includes(coming.line);
  return { kind: 'replacing', key: line, next: coming.line, declared: both ? 'both' : declared.includes(line) ? 'old' : 'neither' };
}

async function keyThere(path: string): Promise<MachineKey> {
  const key = await keyAt(path);
  if (key === null) throw new ResealError('NODE_WRITE_FAILED', `${path} was made and is gone again. See what cleans that folder.`);
  return key;
}

async function keyAt(path: string): Promise<MachineKey | null> {
  let secret: string;
  try {
    const { mode } = await stat(path);
    if ((mode & 0o077) !== 0)
      throw new ResealError('IDENTITY_UNAVAILABLE', `Other accounts may read ${path} (mode ${(mode & 0o777).toString(8).padStart(4, '0')}), so the key in it is nobody's alone. Move it away, enroll a new one, and see who had it.`); // prettier-ignore
    secret = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    if (error instanceof ResealError) throw error;
    throw new ResealError('IDENTITY_UNAVAILABLE', `${path} cannot be read: ${(error as Error).message}.`, { cause: error });
  }
  return readMachineKey(secret, path, 'reseal node enroll');
}

/** Two at a time get the same: whoever is first has made it. */
async function make(folder: string, path: string): Promise<void> {
  try {
    await writeWhole(path, newMachineKey(), 0o600, async (draft) => {
      // Whatever the account's umask says.
      await chmod(draft, 0o600);
      await link(draft, path).catch((error: unknown) => {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      });
    });
  } catch (error) {
    throw new ResealError('NODE_WRITE_FAILED', `No key could be written to ${folder}: ${(error as Error).message}. Run it as the account that serves the node.`, { cause: error }); // prettier-ignore
  }
}
