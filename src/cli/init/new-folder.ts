import { randomBytes } from 'node:crypto';
import { lstat, mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ResealError } from '../../domain/errors.js';

/**
 * Makes a folder whole or not at all: `fill` works in one beside it, which is renamed into place when it is done, and removed where it fails.
 * @param folder absolute; folders around it are made, and taken back where nothing comes of it
 * @throws ResealError REFUSED where it is there already
 */
export async function makeFolder<T>(folder: string, fill: (inside: string) => Promise<T>): Promise<T> {
  await refuseExisting(folder);
  const made = await around(dirname(folder));
  const beside = join(dirname(folder), `.reseal-init-${randomBytes(6).toString('hex')}`);
  try {
    await mkdir(beside);
    const result = await fill(beside);
    await refuseExisting(folder);
    await rename(beside, folder);
    return result;
  } catch (error) {
    await rm(beside, { recursive: true, force: true });
    if (made !== undefined) await rm(made, { recursive: true, force: true });
    if (isErrno(error, 'ENOTEMPTY', 'EEXIST', 'ENOTDIR')) throw isThere(folder);
    throw error;
  }
}

/** The first folder that had to be made; undefined where all were there. */
async function around(folder: string): Promise<string | undefined> {
  try {
    return await mkdir(folder, { recursive: true });
  } catch (error) {
    throw new ResealError('FILE_UNREADABLE', `${folder} cannot be made. Name a folder that you may write to.`, { cause: error });
  }
}

async function refuseExisting(folder: string): Promise<void> {
  const there = await lstat(folder).catch((error: unknown) => {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return null;
    throw error;
  });
  if (there !== null) throw isThere(folder);
}

const isThere = (folder: string): ResealError =>
  new ResealError(
    'REFUSED',
    `${folder} is there already, and nothing in it was changed. Name another folder, or go on with what is there: reseal doctor.`,
  );

const isErrno = (error: unknown, ...codes: readonly string[]): boolean =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' && codes.includes(error.code);
