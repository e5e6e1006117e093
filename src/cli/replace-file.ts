import { randomUUID } from 'node:crypto';
import { open, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ResealError } from '../domain/errors.js';

const isAbsent = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';

/** The bytes of a file; null where there is none. @throws ResealError FILE_UNREADABLE */
export async function bytesOrNone(path: string): Promise<Buffer | null> {
  try {
    return await readFile(path);
  } catch (error) {
    if (isAbsent(error)) return null;
    throw new ResealError('FILE_UNREADABLE', `${path} cannot be read; expected a file. Name another one, or correct its mode.`, {
      cause: error,
    });
  }
}

/**
 * Puts new bytes in place of a file in one rename, with the mode that it had; a link stays one, and what it leads to is replaced. Whoever
 * reads sees the old file or the new one.
 *
 * @param before what the new bytes were made of; null where there was no file
 * @throws ResealError REFUSED where somebody else changed the file meanwhile, FILE_UNREADABLE where its folder takes no file
 */
export async function replaceFile(path: string, before: Buffer | null, after: Buffer): Promise<void> {
  const target = before === null ? path : await realpath(path);
  const draft = join(dirname(target), `.${basename(target)}.${randomUUID().slice(0, 8)}.new`);
  try {
    const file = await open(draft, 'wx', before === null ? 0o666 : (await stat(target)).mode & 0o777);
    try {
      if (before !== null) await file.chmod((await stat(target)).mode & 0o777);
      await file.writeFile(after);
      await file.sync();
    } finally {
      await file.close();
    }
    const now = await bytesOrNone(target);
    if (now === null ? before !== null : before === null || !now.equals(before))
      throw new ResealError('REFUSED', `${path} was changed by somebody else in this moment. Nothing was written: run the command again.`);
    await rename(draft, target);
  } catch (error) {
    await rm(draft, { force: true });
    if (error instanceof ResealError) throw error;
    throw new ResealError('FILE_UNREADABLE', `${path} cannot be written. Correct the mode of the file's folder, or name another file.`, {
      cause: error,
    });
  }
}
