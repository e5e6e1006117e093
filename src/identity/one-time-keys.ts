import { link, mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Instant } from '../domain/brands.js';
import { ResealError } from '../domain/errors.js';
import { newDeliveryKey, recipientOf } from './sealed.js';
import { writeWhole } from './whole-file.js';

interface Kept {
  readonly schemaVersion: 1;
  readonly secret: string;
  /** When nobody can need it any more. */
  readonly until: Instant;
}

/** Writing a file takes less, in milliseconds. */
const CUT_OFF = 60_000;
const NAME = /^[0-9a-f]{8}-[0-9a-f]{8}$/;

/**
 * Keys of age that are used once: what is exported is sealed to its receiver and then to one of these, so that the copy in a store, which forgets nothing, is of
 * no use once the key is gone. They lie in the home of the control API, a file each (mode 0600), and nowhere else.
 */
export class OneTimeKeys {
  private readonly folder: string;

  /** @param home of the control API */
  constructor(home: string) {
    this.folder = join(home, 'exports');
  }

  /**
   * Makes the key of one export; where there is one already, that stays.
   * @returns the public half, and whether it was made now @throws ResealError NODE_WRITE_FAILED
   */
  async make(id: string, until: Instant): Promise<{ readonly recipient: string; readonly made: boolean }> {
    const path = this.path(id);
    const { secret, recipient } = await newDeliveryKey();
    const kept: Kept = { schemaVersion: 1, secret, until };
    try {
      await mkdir(this.folder, { recursive: true, mode: 0o700 });
      await writeWhole(path, `${JSON.stringify(kept)}\n`, 0o600, (draft) => link(draft, path));
      return { recipient, made: true };
    } catch (error) {
      const there = (error as NodeJS.ErrnoException).code === 'EEXIST' ? await this.read(id) : null;
      if (there !== null) return { recipient: await recipientOf(there), made: false };
      throw new ResealError('NODE_WRITE_FAILED', `The one-time key of the export ${id} cannot be written to ${this.folder}: ${(error as Error).message}. See that its disk has room and that this account may write there.`, { cause: error }); // prettier-ignore
    }
  }

  /** The private half; null where there is none, or none any more. */
  async read(id: string): Promise<string | null> {
    return (await this.kept(id))?.secret ?? null;
  }

  /** Nobody opens the copy in the store after this. */
  async forget(id: string): Promise<void> {
    await rm(this.path(id), { force: true });
  }

  /** Those that are kept, with when nobody can need them any more. */
  async list(): Promise<readonly { readonly id: string; readonly until: Instant }[]> {
    const names = await readdir(this.folder).catch(() => []);
    for (const name of names) if (!NAME.test(name)) await this.removeOld(join(this.folder, name));
    const found = await Promise.all(
      names.filter((name) => NAME.test(name)).map(async (id) => ({ id, until: (await this.kept(id))?.until ?? 0 })),
    );
    return found.sort((one, other) => (one.id < other.id ? -1 : 1));
  }

  /** A draft that was cut off is nobody's key; one that is being written is. */
  private async removeOld(draft: string): Promise<void> {
    const found = await stat(draft).catch(() => null);
    if (found !== null && Date.now() - found.mtimeMs > CUT_OFF) await rm(draft, { force: true });
  }

  private async kept(id: string): Promise<Kept | null> {
    try {
      const found = JSON.parse(await readFile(this.path(id), 'utf8')) as Partial<Kept>;
      return typeof found.secret === 'string' && typeof found.until === 'number' ? (found as Kept) : null;
    } catch {
      return null;
    }
  }

  private path(id: string): string {
    if (!NAME.test(id)) throw new ResealError('USAGE', `${JSON.stringify(id)} is no id of an export; they look like 97134e8c-1f2a3b4c.`);
    return join(this.folder, id);
  }
}
