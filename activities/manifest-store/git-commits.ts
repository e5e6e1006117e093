import { mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
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

const ATTEMPTS = 200;
/** As the operating system says it, and as git does. */
const NO_SPACE = /ENOSPC|no space left|out of disk ?space/i;

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
  if (NO_SPACE.test(said)) return 'its disk is full. Free some space and try again.';
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
   * One `git fast-import`: blobs, tree, commit and the move of the branch. It moves a branch only to a commit that contains what the branch
   * says at that moment, so a commit on an outdated tip does not land (git-fast-import(1), `--force`). This is the compare-and-swap, as long as
   * nobody takes commits off the branch, which no writer of reseal's does.
   * @param tip the commit that the change was decided on; null for none.
   * @returns whether it landed; false when the branch has moved from `tip` meanwhile.
   */
  async commit(tip: string | null, change: Change): Promise<boolean> {
    try {
      await git({
        repository: this.repository,
        command: ['fast-import', '--quiet', '--done', '--date-format=raw'],
        input: this.stream(tip, change),
      });
      return true;
    } catch (error) {
      // A held lock is another writer on its way.
      if (
        error instanceof GitFailure &&
        /does not contain|but expected|already exists|cannot lock ref/i.test(error.said) &&
        !NO_SPACE.test(error.said) &&
        !/permission|read-only/i.test(error.said)
      )
        return false;
      throw error;
    }
  }

  private stream(tip: string | null, change: Change): Buffer {
    const when = `${Math.floor(this.clock() / 1000)} +0000`;
    const files = [...change.files].flatMap(([path, bytes]) => [`M 100644 inline ${path}\n`, ...data(bytes)]);
    return Buffer.concat(
      [
        `commit refs/heads/${this.branch}\n`,
        `author ${authorName(change.context.by)} <reseal@localhost> ${when}\n`,
        `committer reseal <reseal@localhost> ${when}\n`,
        ...data(Buffer.from(message(change), 'utf8')),
        ...(tip === null ? [] : [`from ${tip}\n`]),
        ...files,
        'done\n',
      ].map((part) => (typeof part === 'string' ? Buffer.from(part, 'utf8') : part)),
    );
  }
}

const data = (bytes: Uint8Array): readonly (string | Uint8Array)[] => [`data ${bytes.length}\n`, bytes, '\n'];

/** What git itself leaves of a name: it ends neither the name nor the line. */
const authorName = (by: string | undefined): string => (by ?? '').replace(/[<>\0\s]+/g, ' ').trim() || 'reseal';

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
