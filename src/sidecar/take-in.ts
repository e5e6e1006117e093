import { constants } from 'node:fs';
import { lstat, mkdir, open, readdir, realpath, type FileHandle } from 'node:fs/promises';
import { join, posix } from 'node:path';

/** Most bytes of an entitlements file, and most folders one in another. */
const MOST_ENTITLEMENTS = 1024 * 1024;
const DEEPEST = 64;

/** Why something of the exchange folder is not taken, in a sentence without its full stop. */
export class NotTaken extends Error {
  override readonly name = 'NotTaken';
}

const BUNDLE = /\.(?:app|appex|framework|bundle|xctest)$/;

/** Whether a text is a path below a folder by its letters: no way up, no empty part, nothing that a program takes for an option. */
export const isBelow = (path: string): boolean =>
  path.split('/').every((part) => part !== '' && part !== '.' && part !== '..' && !part.startsWith('-')) && !/[\u0000-\u001f]/.test(path);

/**
 * Copies from the exchange folder what is to be signed, so that nobody can change it meanwhile. Every file must belong to the account that brought it:
 * a link that is put in its place at the last moment leads to no file of the sidecar's own, its keys above all.
 *
 * @param exchange absolute
 */
export class TakeIn {
  private constructor(
    private readonly exchange: string,
    /** User id of who brought it. */
    readonly account: number,
  ) {}

  /** @param path below the exchange folder, whose first part is what was brought. @throws NotTaken */
  static async of(exchange: string, path: string): Promise<TakeIn> {
    if (!isBelow(path) || !path.includes('/'))
      throw new NotTaken(`${JSON.stringify(path)} is no path in a folder below the exchange folder`);
    const brought = await lstat(join(exchange, path.split('/')[0] ?? '')).catch(() => null);
    if (brought?.isDirectory() !== true)
      throw new NotTaken(`there is no folder ${JSON.stringify(path.split('/')[0])} in the exchange folder`);
    return new TakeIn(await realpath(exchange), brought.uid);
  }

  /** @param to a folder that is not there yet. @throws NotTaken */
  async bundle(path: string, to: string): Promise<void> {
    if (!isBelow(path) || !BUNDLE.test(path)) throw new NotTaken(`${JSON.stringify(path)} is no bundle below the exchange folder`);
    await this.folder(await this.real(path), to, DEEPEST);
  }

  /** @throws NotTaken */
  async entitlements(path: string, to: string): Promise<void> {
    if (!isBelow(path)) throw new NotTaken(`${JSON.stringify(path)} is no path below the exchange folder`);
    await this.file(await this.real(path), to, MOST_ENTITLEMENTS);
  }

  private async real(path: string): Promise<string> {
    const named = join(this.exchange, path);
    const real = await realpath(named).catch(() => null);
    if (real === null) throw new NotTaken(`there is no ${JSON.stringify(path)} in the exchange folder`);
    if (real !== named) throw new NotTaken(`${JSON.stringify(path)} leads elsewhere by a link`);
    return real;
  }

  private async folder(from: string, to: string, deep: number): Promise<void> {
    if (deep === 0) throw new NotTaken('the bundle has folders in folders without end');
    const stat = await lstat(from).catch(() => null);
    if (stat?.isDirectory() !== true) throw new NotTaken(`${posix.basename(from)} is no folder`);
    await mkdir(to, { mode: 0o2770 });
    for (const entry of await readdir(from, { withFileTypes: true })) {
      const [source, target] = [join(from, entry.name), join(to, entry.name)];
      if (entry.isDirectory()) await this.folder(source, target, deep - 1);
      else if (entry.isFile()) await this.file(source, target, Number.POSITIVE_INFINITY);
      else
        throw new NotTaken(
          `the bundle holds ${JSON.stringify(entry.name)}, which is neither a file nor a folder; apps for iPhones hold no links`,
        );
    }
  }

  private async file(from: string, to: string, most: number): Promise<void> {
    let source: FileHandle;
    try {
      source = await open(from, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    } catch (cause) {
      const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
      throw new NotTaken(`${posix.basename(from)} cannot be read (${code}); what is brought has to be for the group to read`);
    }
    try {
      const stat = await source.stat();
      if (!stat.isFile() || stat.uid !== this.account)
        throw new NotTaken(`${posix.basename(from)} is no file of the account that brought the bundle`);
      if (stat.size > most) throw new NotTaken(`${posix.basename(from)} has ${stat.size} bytes, and ${most} are the most`);
      const target = await open(to, 'wx', (stat.mode & 0o100) === 0 ? 0o660 : 0o770);
      try {
        for await (const chunk of source.createReadStream({ autoClose: false })) await target.write(chunk as Buffer);
      } finally {
        await target.close();
      }
    } finally {
      await source.close();
    }
  }
}
