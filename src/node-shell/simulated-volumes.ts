import { constants, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FileSystem } from './file-system.js';

/**
 * What is mounted on a simulated Mac, in its home: a line per volume, `<path on the node> <what is mounted> <flags>`. Its `mount` prints it, and files
 * below a volume with the flag `read-only` are refused as the kernel of a Mac does. On this machine such a path is a link to what is mounted.
 */
export const VOLUMES_FILE = '.mac/volumes';

const WRITING = constants.O_WRONLY | constants.O_RDWR | constants.O_CREAT | constants.O_APPEND;

/** The file system as a simulated Mac has it: `fs` itself where nothing is mounted read-only. */
export function withVolumes(home: string, fs: FileSystem): FileSystem {
  const roots = readOnlyVolumes(home).map((path) => join(home, path));
  if (roots.length === 0) return fs;
  const refuse = (...paths: readonly string[]): void => {
    const found = paths.find((path) => roots.some((root) => path === root || path.startsWith(`${root}/`)));
    if (found === undefined) return;
    throw Object.assign(new Error(`EROFS: read-only file system, '${found}'`), { code: 'EROFS' });
  };
  const refusing =
    <A extends readonly unknown[]>(call: (path: string, ...more: A) => void) =>
    (path: string, ...more: A): void => {
      refuse(path);
      call(path, ...more);
    };
  return {
    ...fs,
    open: (path, flags, mode) => {
      if ((flags & WRITING) !== 0) refuse(path);
      return fs.open(path, flags, mode);
    },
    rename: (from, to) => {
      refuse(from, to);
      fs.rename(from, to);
    },
    symlink: (target, path) => {
      refuse(path);
      fs.symlink(target, path);
    },
    unlink: refusing(fs.unlink),
    mkdir: refusing(fs.mkdir),
    rmdir: refusing(fs.rmdir),
  };
}

function readOnlyVolumes(home: string): readonly string[] {
  const path = join(home, VOLUMES_FILE);
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [mounted = '', , ...flags] = line.split(' ');
      return mounted !== '' && flags.join(' ').split(', ').includes('read-only') ? [mounted] : [];
    });
}
