import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { promisify } from 'node:util';
import { describeDuration } from '../../src/domain/duration.js';

/**
 * What to do about a lock of git's that is in the way; null where it has gone meanwhile, or is younger than `patience` (milliseconds): then
 * writers take turns, and none was killed. A lock file says nothing of its owner, and other machines may write the same disk, so
 * removing it stays a person's decision.
 */
export async function leftOverLock(lock: string, patience: number): Promise<string | null> {
  const made = await stat(lock).then(
    (found) => found.mtimeMs,
    () => null,
  );
  if (made === null) return null;
  const age = Math.max(0, Date.now() - made);
  if (age < patience) return null;
  const there = `the lock ${lock} has been there for ${describeDuration(Math.floor(age / 1000) * 1000)}; git holds one for moments.`;
  const writers = await gitWriters();
  if (writers === null) return `${there} If no git is running, a git was killed while it wrote: remove that file.`;
  if (writers.length > 0)
    return `${there} Look whether ${writers.slice(0, 5).join(', ')} still works on this store. If not, remove that file.`;
  return `${there} No git of this machine is writing: one was killed, and its lock is left over. Remove that file, unless another machine writes this store.`;
}

/** Options of git itself whose value is a word of its own. */
const WITH_VALUE = ['-c', '-C', '--git-dir', '--work-tree', '--namespace'];

/** Every git on this machine but those that only read for reseal, as `git gc (process 4711)`; null where processes cannot be listed. */
async function gitWriters(): Promise<readonly string[] | null> {
  try {
    const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=', '-o', 'args='], { maxBuffer: 64 * 1024 * 1024 });
    return stdout.split('\n').flatMap((row) => {
      const [pid = '', program = '', ...args] = row.trim().split(/\s+/);
      if (!/^git(-[\w-]+)?$/.test(basename(program)) || args.includes('cat-file')) return [];
      const command = args.find((word, index) => !word.startsWith('-') && !WITH_VALUE.includes(args[index - 1] ?? ''));
      return [`${[basename(program), ...(command === undefined ? [] : [command])].join(' ')} (process ${pid})`];
    });
  } catch {
    return null;
  }
}
