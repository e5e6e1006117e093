import { randomUUID } from 'node:crypto';
import { chmod, copyFile, lstat, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ResealError } from '../domain/errors.js';

/** What a build brings to the exchange folder, and takes back from there. */
export class Brought {
  private constructor(
    private readonly exchange: string,
    /** Its name below the exchange folder. */
    readonly name: string,
  ) {}

  /** @throws ResealError REFUSED where this account may not write there */
  static async to(exchange: string): Promise<Brought> {
    const name = `build-${randomUUID()}`;
    try {
      await mkdir(join(exchange, name));
      await chmod(join(exchange, name), 0o2770);
    } catch (cause) {
      throw new ResealError(
        'REFUSED',
        `This account cannot bring anything to ${exchange}. It has to be in the group of that folder, which is the sidecar's.`,
        { cause },
      );
    }
    return new Brought(exchange, name);
  }

  /** Copies a file or bundle. @returns where it is, below the exchange folder. @throws ResealError FILE_UNREADABLE, REFUSED */
  async bring(path: string, as: string): Promise<string> {
    await copyForGroup(path, join(this.exchange, this.name, as));
    return `${this.name}/${as}`;
  }

  /** Puts what was signed in the place of a bundle: at every moment there is a whole one, or for the moment of two renames none. */
  async takeBack(signed: string, bundle: string): Promise<void> {
    const draft = join(dirname(bundle), `.${basename(bundle)}.${randomUUID()}`);
    try {
      await copyForGroup(join(this.exchange, signed), join(draft, 'signed'), 'as-mine');
      await rename(bundle, join(draft, 'unsigned'));
      await rename(join(draft, 'signed'), bundle);
    } finally {
      await rm(draft, { recursive: true, force: true });
      await rm(join(this.exchange, dirname(signed)), { recursive: true, force: true });
    }
  }

  async clear(): Promise<void> {
    await rm(join(this.exchange, this.name), { recursive: true, force: true });
  }
}

/** Owner and group write what is brought; what is taken back is as the umask has it. */
async function copyForGroup(from: string, to: string, whose: 'group' | 'as-mine' = 'group'): Promise<void> {
  const stat = await lstat(from).catch((cause: unknown) => {
    throw new ResealError('FILE_UNREADABLE', `${from} cannot be read. Name a bundle and files that are there.`, { cause });
  });
  if (stat.isDirectory()) {
    await mkdir(to, { recursive: true });
    if (whose === 'group') await chmod(to, 0o2770);
    for (const name of await readdir(from)) await copyForGroup(join(from, name), join(to, name), whose);
    return;
  }
  if (!stat.isFile())
    throw new ResealError(
      'REFUSED',
      `${from} is neither a file nor a folder. Apps for iPhones hold no links; build the bundle without it.`,
    );
  await copyFile(from, to);
  const program = (stat.mode & 0o100) !== 0;
  await chmod(to, whose === 'group' ? (program ? 0o770 : 0o660) : program ? 0o755 : 0o644);
}
