import { mkdir, mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ResealError } from '../../src/domain/errors.js';
import type { StoreContext } from './contract.js';
import { git, GitFailure } from './git-command.js';

/** One change of the store: whole files by path, and the sentence that a person reads in its history. */
export interface Change {
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly subject: string;
  readonly context: StoreContext;
}

const ABSENT = '0'.repeat(40);
const ATTEMPTS = 200;

/** Creates an empty bare repository, whole or not at all; does nothing where one is. @throws ResealError STORE_UNREACHABLE */
export async function ensureRepository(repository: string, branch: string): Promise<void> {
  try {
    if (await isRepository(repository)) return;
    await mkdir(dirname(repository), { recursive: true });
    const fresh = await mkdtemp(join(dirname(repository), '.reseal-store-'));
    try {
      await git({ repository: null, command: ['init', '--quiet', '--bare', '-b', branch, fresh] });
      await rename(fresh, repository);
    } catch (error) {
      // Another process was first: its repository is as good as ours.
      if (!(await isRepository(repository))) throw error;
    } finally {
      await rm(fresh, { recursive: true, force: true });
    }
  } catch (cause) {
    throw unreachable(repository, cause);
  }
}

async function isRepository(path: string): Promise<boolean> {
  try {
    await stat(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
    throw error;
  }
  const bare = await git({ repository: path, command: ['rev-parse', '--is-bare-repository'] });
  if (bare.trim() !== 'true') throw new GitFailure('rev-parse', 0, `${path} is a working tree; a store is a bare repository`);
  return true;
}

/** Says in plain words why the store cannot be used. */
export function unreachable(repository: string, cause: unknown): ResealError {
  if (cause instanceof ResealError) return cause;
  const said = (cause instanceof GitFailure ? cause.said : cause instanceof Error ? cause.message : String(cause)).trim();
  const reason = plainReason(said);
  return new ResealError('STORE_UNREACHABLE', `The store ${repository} cannot be used: ${reason}`, { cause });
}

function plainReason(said: string): string {
  if (said === 'it is gone')
    return 'its repository is gone. Bring it back to its place (`stores` in reseal.yaml); nothing is decided without it.';
  if (/not a git repository|invalid gitfile/i.test(said))
    return 'it is not a git repository. Check `stores` in reseal.yaml, or move what is there away.';
  if (/ENOSPC|no space left/i.test(said)) return 'its disk is full. Free some space and try again.';
  if (/EACCES|EPERM|permission denied/i.test(said)) return 'this account may not read or write it. Check its owner and its modes.';
  if (/EROFS|read-only file system/i.test(said)) return 'its file system is read-only.';
  if (/ENOTDIR|EEXIST/i.test(said)) return 'there is a file where a folder should be.';
  const lock = /Unable to create '([^']+\.lock)'/.exec(said)?.[1];
  if (lock !== undefined) return `the lock ${lock} is there and does not go away. If no git process is running, remove it.`;
  return `git says: ${said || 'nothing'}.`;
}

/** Writes commits on one branch; `commit` lands on the tip that it was given or not at all. */
export class GitCommits {
  constructor(
    private readonly repository: string,
    private readonly branch: string,
    private readonly clock: () => number,
  ) {}

  /**
   * @param tip the commit that the change was decided on; null for none.
   * @returns the new commit, or null when the branch has moved from `tip` meanwhile.
   */
  async commit(tip: string | null, change: Change): Promise<string | null> {
    const scratch = await mkdtemp(join(tmpdir(), 'reseal-store-'));
    try {
      const index = { GIT_INDEX_FILE: join(scratch, 'index') };
      const blobs = await this.writeBlobs(scratch, [...change.files.values()]);
      if (tip !== null) await this.git(['read-tree', tip], { environment: index });
      const lines = [...change.files.keys()].map((path, position) => `100644 ${blobs[position] ?? ''}\t${path}\n`);
      await this.git(['update-index', '--add', '--index-info'], { environment: index, input: lines.join('') });
      const tree = (await this.git(['write-tree'], { environment: index })).trim();
      const commit = await this.git(['commit-tree', tree, ...(tip === null ? [] : ['-p', tip])], {
        input: message(change),
        environment: this.author(change),
      });
      return await this.move(tip, commit.trim(), change.subject);
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  }

  private async writeBlobs(scratch: string, contents: readonly Uint8Array[]): Promise<readonly string[]> {
    const paths = contents.map((_, position) => join(scratch, `${position}`));
    await Promise.all(contents.map((bytes, position) => writeFile(paths[position] ?? '', bytes)));
    const ids = await this.git(['hash-object', '-w', '--no-filters', '--stdin-paths'], {
      input: paths.map((path) => `${path}\n`).join(''),
    });
    return ids.trim().split('\n');
  }

  /** The compare-and-swap: git moves the ref only if it still is `tip`. */
  private async move(tip: string | null, commit: string, subject: string): Promise<string | null> {
    try {
      await this.git(['update-ref', '--create-reflog', '-m', subject, `refs/heads/${this.branch}`, commit, tip ?? ABSENT], {
        environment: committer(this.clock()),
      });
      return commit;
    } catch (error) {
      // `is at … but expected …`, `reference already exists`: the branch has moved. A held lock is another writer on its way.
      if (
        error instanceof GitFailure &&
        /but expected|already exists|cannot lock ref/i.test(error.said) &&
        !/permission|read-only|no space/i.test(error.said)
      )
        return null;
      throw error;
    }
  }

  private author(change: Change): Record<string, string> {
    return { ...committer(this.clock()), GIT_AUTHOR_NAME: change.context.by ?? 'reseal', GIT_AUTHOR_EMAIL: 'reseal@localhost' };
  }

  private git(command: readonly string[], more: { input?: string; environment?: Record<string, string> }): Promise<string> {
    return git({ repository: this.repository, command, ...more });
  }
}

function committer(now: number): Record<string, string> {
  const date = `${Math.floor(now / 1000)} +0000`;
  return { GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date, GIT_COMMITTER_NAME: 'reseal', GIT_COMMITTER_EMAIL: 'reseal@localhost' };
}

/** Subject and trailers; what is given comes from people, so it is kept to one line. */
function message({ subject, context }: Change): string {
  const line = (text: string): string => text.replace(/\s+/g, ' ').trim();
  const trailers = [
    ...(context.rotation === undefined ? [] : [`Rotation: ${line(context.rotation)}`]),
    ...(context.ticket === undefined ? [] : [`Ticket: ${line(context.ticket)}`]),
    ...(context.by === undefined ? [] : [`By: ${line(context.by)}`]),
  ];
  return `${line(subject)}\n${trailers.length === 0 ? '' : `\n${trailers.join('\n')}\n`}`;
}

/** Runs `attempt` until it lands: other writers of the branch are always faster than the limit, unless a lock is left over. */
export async function untilLanded<T>(repository: string, attempt: () => Promise<{ readonly landed: T } | null>): Promise<T> {
  for (let tries = 0; tries < ATTEMPTS; tries += 1) {
    const result = await attempt();
    if (result !== null) return result.landed;
    await sleep(Math.min(5 + tries * 2, 50) * (0.5 + Math.random()));
  }
  throw new ResealError(
    'STORE_UNREACHABLE',
    `The store ${repository} was moved by others in all of ${ATTEMPTS} tries. If no other writer is running, remove ${join(repository, 'refs', 'heads')}/*.lock.`,
  );
}
