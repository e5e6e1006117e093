import { posix } from 'node:path';
import { codeOf } from './failures.js';
import type { FileSystem } from './file-system.js';

export function isFolder(fs: FileSystem, path: string): boolean {
  return fs.lstat(path)?.isDirectory() === true;
}

/** Removes a file, link or folder with all that is in it; links are removed, never followed. Nothing happens where there is nothing. */
export function removeTree(fs: FileSystem, path: string): void {
  try {
    if (isFolder(fs, path)) {
      for (const name of fs.readdir(path)) removeTree(fs, posix.join(path, name));
      fs.rmdir(path);
    } else {
      fs.unlink(path);
    }
  } catch (cause) {
    if (codeOf(cause) !== 'ENOENT') throw cause;
  }
}

/** Writes all of it: a single call may write less. */
export function writeAll(fs: FileSystem, fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) done += fs.write(fd, bytes, done, bytes.length - done);
}
