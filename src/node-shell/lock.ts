import { randomUUID } from 'node:crypto';
import { threadId } from 'node:worker_threads';
import { setTimeout as sleep } from 'node:timers/promises';
import { ResealError } from '../domain/errors.js';
import type { NodeFiles, NodePath } from './contract.js';

const heldKey = Symbol.for('reseal.node-shell.held-locks');

/** How long to wait for a lock that a living process holds, in milliseconds; a holder needs it for a few renames. */
const PATIENCE = 30_000;

/**
 * The locks that this thread holds now. A lock with this thread's name that is not among them is a leftover: its node went away while it was
 * held, and came back. Shared between copies of this module, should a bundler have made several.
 */
const held = heldByThisThread();

function heldByThisThread(): Set<string> {
  const shared = globalThis as { [heldKey]?: Set<string> };
  const known = shared[heldKey] ?? new Set<string>();
  shared[heldKey] = known;
  return known;
}

/** In this process holders queue up; only the first of them asks for the lock on disk. */
const queues = new Map<string, Promise<unknown>>();

/**
 * Runs `work` while no other process and nothing else in this one holds the lock. The lock is a symbolic link whose target names its owner
 * (`<pid>:<start time>:<thread>:<random>`), so that it appears together with its owner's name. The lock of a dead process is taken over.
 * @throws ResealError NODE_WRITE_FAILED after 30 s, naming the process that holds it.
 */
export async function withLock<T>(files: NodeFiles, path: NodePath, work: () => Promise<T>): Promise<T> {
  const key = files.resolve(path);
  const before = queues.get(key) ?? Promise.resolve();
  const turn = before.then(() => locked(files, path, work));
  const settled = turn.catch(() => undefined);
  queues.set(key, settled);
  try {
    return await turn;
  } finally {
    if (queues.get(key) === settled) queues.delete(key);
  }
}

async function locked<T>(files: NodeFiles, path: NodePath, work: () => Promise<T>): Promise<T> {
  const mine = `${await files.identity()}:${threadId}:${randomUUID()}`;
  held.add(mine);
  try {
    await acquire(files, path, mine);
    try {
      return await work();
    } finally {
      await release(files, path, mine);
    }
  } finally {
    held.delete(mine);
  }
}

async function acquire(files: NodeFiles, path: NodePath, mine: string): Promise<void> {
  const until = Date.now() + PATIENCE;
  for (let tries = 0; !(await files.createLock(path, mine)); tries += 1) {
    const owner = await files.readLink(path);
    if (owner !== null && (await isLeftOver(files, owner))) await takeOver(files, path, owner, mine);
    else if (Date.now() > until) {
      throw new ResealError(
        'NODE_WRITE_FAILED',
        `Node ${files.node}: ${path} is held by process ${owner?.split(':')[0] ?? 'unknown'} for more than ${PATIENCE / 1000} s. If that process hangs, end it.`,
      );
    } else await sleep(Math.min(1 + tries, 20) * (0.5 + Math.random()));
  }
}

async function isLeftOver(files: NodeFiles, owner: string): Promise<boolean> {
  if (owner.startsWith(`${await files.identity()}:${threadId}:`)) return !held.has(owner);
  return !(await files.isRunning(owner));
}

/** Removes the lock of a dead owner, and only that: one taker at a time looks again before it removes. */
async function takeOver(files: NodeFiles, path: NodePath, dead: string, mine: string): Promise<void> {
  const guard = `${path}.takeover`;
  if (!(await files.createLock(guard, mine))) {
    const owner = await files.readLink(guard);
    if (owner !== null && (await isLeftOver(files, owner))) await files.remove(guard);
    await sleep(1 + Math.random() * 4);
    return;
  }
  try {
    if ((await files.readLink(path)) === dead) await files.remove(path);
  } finally {
    await files.remove(guard);
  }
}

async function release(files: NodeFiles, path: NodePath, mine: string): Promise<void> {
  try {
    if ((await files.readLink(path)) === mine) await files.remove(path);
  } catch (error) {
    // The node went away under the work, and its lock with it; the work has said so already.
    if (!(error instanceof ResealError && error.code === 'NODE_UNREACHABLE')) throw error;
  }
}
