import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { unreadable } from './tree.js';

/**
 * A whole file of bounded size that a person named; null where there is none.
 * @param most in bytes
 * @throws ResealError FILE_UNREADABLE where it is larger, no regular file, or does not open
 */
export async function readSmallFile(path: string, named: string, most: number): Promise<Buffer | null> {
  let file: FileHandle;
  try {
    // O_NONBLOCK: opening a pipe must not wait for a writer.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return null;
    throw unreadable(named, 'it does not open', 'Check its permissions.', cause);
  }
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw unreadable(named, 'it is no regular file', 'Give the file itself.');
    if (stat.size > most)
      throw unreadable(named, `it has ${stat.size} bytes, and no such file has more than ${most}`, 'Give the file itself.');
    return await file.readFile();
  } finally {
    await file.close();
  }
}
