import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { ResealError } from '../domain/errors.js';
import { MAX_PROFILE_BYTES, tooLarge } from './not-a-profile.js';

/**
 * Reads a file that may be a profile, up to `MAX_PROFILE_BYTES`. Pipes and devices are refused without being read.
 *
 * @param options.links whether a symbolic link is followed; in folders that others write to it is not
 * @throws ResealError FILE_UNREADABLE, and NOT_A_PROFILE for a file that is too large
 */
export async function readProfileFile(path: string, options: { readonly links: 'followed' | 'refused' }): Promise<Uint8Array> {
  try {
    return await readLimited(path, options.links === 'refused' ? constants.O_NOFOLLOW : 0);
  } catch (cause) {
    if (cause instanceof ResealError) throw cause;
    throw new ResealError('FILE_UNREADABLE', `${path} cannot be read (${reasonOf(cause)}). Check the path and its permissions.`, { cause });
  }
}

async function readLimited(path: string, flags: number): Promise<Uint8Array> {
  // O_NONBLOCK: opening a pipe must not wait for a writer.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | flags);
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw new Error(stat.isDirectory() ? 'it is a folder' : 'it is no regular file');
    if (stat.size > MAX_PROFILE_BYTES) throw tooLarge(stat.size);
    const buffer = Buffer.alloc(stat.size + 1);
    let length = 0;
    for (let more = 1; more > 0 && length < buffer.length; length += more) {
      more = (await file.read(buffer, length, buffer.length - length)).bytesRead;
    }
    if (length > stat.size) throw new Error('it grew while it was read; try again when it is whole');
    return Uint8Array.from(buffer.subarray(0, length));
  } finally {
    await file.close();
  }
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  switch ('code' in cause ? cause.code : undefined) {
    case 'ENOENT':
      return 'there is no such file';
    case 'EACCES':
    case 'EPERM':
      return 'permission denied';
    case 'ELOOP':
      return 'it is a symbolic link';
    default:
      return cause.message;
  }
}
