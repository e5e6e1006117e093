import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { isRunning, startTimeOf } from './process-identity.js';

export interface Holder {
  readonly pid: number;
  readonly startTime: string;
}

function holderOf(path: string): Holder | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Holder;
  } catch {
    return null;
  }
}

function take(path: string): boolean {
  try {
    const me: Holder = { pid: process.pid, startTime: startTimeOf(process.pid) ?? '' };
    writeFileSync(path, JSON.stringify(me), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return false;
  }
}

/**
 * Runs `work` while this process alone holds the lock file; waits for another holder, and takes over from one that is gone.
 * `onWait` is called once, when there is somebody to wait for.
 */
export async function withFileLock<T>(path: string, work: () => Promise<T>, onWait?: () => void): Promise<T> {
  mkdirSync(dirname(path), { recursive: true });
  let told = false;
  let unreadable = 0;
  while (!take(path)) {
    const holder = holderOf(path);
    // A file without content belongs to somebody between creating and writing it, for a moment.
    unreadable = holder === null ? unreadable + 1 : 0;
    if ((holder !== null && !isRunning(holder)) || unreadable > 10) {
      rmSync(path, { force: true });
      continue;
    }
    if (!told) onWait?.();
    told = true;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

/**
 * Takes a lock for as long as this process lives, without waiting: answers who has it where that is not this process. A holder that is
 * gone, killed or not, holds nothing.
 */
export function claim(path: string): { readonly release: () => void } | { readonly heldBy: number } {
  mkdirSync(dirname(path), { recursive: true });
  for (let attempt = 0; attempt < 20; attempt += 1) {
    if (take(path)) return { release: () => rmSync(path, { force: true }) };
    const holder = holderOf(path);
    if (holder !== null && isRunning(holder)) return { heldBy: holder.pid };
    removeDead(path, holder);
  }
  return { heldBy: holderOf(path)?.pid ?? 0 };
}

/** Whether a living process holds the lock. */
export function isHeld(path: string): boolean {
  const holder = holderOf(path);
  return holder !== null && isRunning(holder);
}

/** Removes the lock of a dead holder, and only that: one at a time looks again before it removes. */
function removeDead(path: string, dead: Holder | null): void {
  const guard = `${path}.takeover`;
  if (!take(guard)) {
    const other = holderOf(guard);
    if (other === null || !isRunning(other)) rmSync(guard, { force: true });
    return;
  }
  try {
    const now = holderOf(path);
    if (now?.pid === dead?.pid && now?.startTime === dead?.startTime) rmSync(path, { force: true });
  } finally {
    rmSync(guard, { force: true });
  }
}
