import { setTimeout as sleep } from 'node:timers/promises';
import { ResealError } from '../../src/domain/errors.js';
import type { StoreContext } from './contract.js';
import { afterFailedImport } from './failed-import.js';
import { git, GitFailure } from './git-command.js';
import { leftOverLock } from './left-over-lock.js';
import { NO_SPACE, theStore, type StorePlace } from './out-of-reach.js';

/** One change of the store: whole files by path, and the sentence that a person reads in its history. */
export interface Change {
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly subject: string;
  readonly context: StoreContext;
}

/** What became of a change: `moved`, the branch is not where it was decided on any more; `locked`, another writer is on its way, or was killed on it. */
export type Landing =
  { readonly outcome: 'landed' } | { readonly outcome: 'moved' } | { readonly outcome: 'locked'; readonly lock: string };

/** Writes commits on one ref (`refs/heads/main`); `commit` lands on the tip that it was given or not at all. */
export class GitCommits {
  constructor(
    private readonly repository: string,
    private readonly ref: string,
    private readonly clock: () => number,
  ) {}

  /**
   * One `git fast-import`: blobs, tree, commit and the move of the branch. It moves a branch only to a commit that contains what the branch
   * says at that moment, so a commit on an outdated tip does not land (git-fast-import(1), `--force`). This is the compare-and-swap, as long as
   * nobody takes commits off the branch, which no writer of reseal's does.
   * @param tip the commit that the change was decided on; null for none.
   * @throws GitFailure for everything but another writer
   */
  async commit(tip: string | null, change: Change): Promise<Landing> {
    const began = Date.now();
    try {
      await git({
        repository: this.repository,
        command: ['fast-import', '--quiet', '--done', '--date-format=raw'],
        input: this.stream(tip, change),
      });
      return { outcome: 'landed' };
    } catch (error) {
      if (!(error instanceof GitFailure)) throw error;
      const conflict = conflictOf(error);
      if (conflict === null) throw await afterFailedImport(this.repository, error, began);
      return conflict;
    }
  }

  private stream(tip: string | null, change: Change): Buffer {
    const when = `${Math.floor(this.clock() / 1000)} +0000`;
    const files = [...change.files].flatMap(([path, bytes]) => [`M 100644 inline ${path}\n`, ...data(bytes)]);
    return Buffer.concat(
      [
        `commit ${this.ref}\n`,
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

/** Whether another writer is why a change did not land; null where it is something else. */
function conflictOf({ said }: GitFailure): Landing | null {
  if (NO_SPACE.test(said) || /permission|read-only/i.test(said)) return null;
  const lock = /Unable to create '([^']+\.lock)': File exists/i.exec(said)?.[1];
  if (lock !== undefined) return { outcome: 'locked', lock };
  return /does not contain|but expected|already exists|cannot lock ref/i.test(said) ? { outcome: 'moved' } : null;
}

const data = (bytes: Uint8Array): readonly (string | Uint8Array)[] => [`data ${bytes.length}\n`, bytes, '\n'];

/** What git itself leaves of a name: it ends neither the name nor the line. */
const authorName = (by: string | undefined): string => (by ?? '').replace(/[<>\p{Cc}\s]+/gu, ' ').trim() || 'reseal';

/** Subject and trailers; what is given comes from people, so it is kept to one line. The API takes no control characters; Temporal's own client does. */
function message({ subject, context }: Change): string {
  const line = (text: string): string => text.replace(/[\p{Cc}\s]+/gu, ' ').trim();
  const trailers = [
    ...(context.rotation === undefined ? [] : [`Rotation: ${line(context.rotation)}`]),
    ...(context.ticket === undefined ? [] : [`Ticket: ${line(context.ticket)}`]),
    ...(context.by === undefined ? [] : [`By: ${line(context.by)}`]),
  ];
  return `${line(subject)}\n${trailers.length === 0 ? '' : `\n${trailers.join('\n')}\n`}`;
}

/** How long a change may wait: until when (`performance.now()`), and how long that was when it was asked for, in milliseconds. */
export interface Limit {
  readonly until: number;
  readonly patience: number;
}

type Attempt<T> = { readonly outcome: 'landed'; readonly answer: T } | Exclude<Landing, { outcome: 'landed' }>;

/**
 * Runs `attempt` until it lands, once at least. Time counts from when the change was asked for: whoever queues behind a lock that is left over
 * does not begin to wait when its turn comes.
 * @throws ResealError STORE_UNREACHABLE when the time is over
 */
export async function untilLanded<T>(place: StorePlace, limit: Limit, attempt: () => Promise<Attempt<T>>): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    const result = await attempt();
    if (result.outcome === 'landed') return result.answer;
    if (performance.now() >= limit.until) throw await tooLong(place, limit.patience, result);
    await sleep(Math.min(5 + tries * 2, 50) * (0.5 + Math.random()));
  }
}

async function tooLong(place: StorePlace, patience: number, last: Exclude<Landing, { outcome: 'landed' }>): Promise<ResealError> {
  const found = last.outcome === 'locked' ? await leftOverLock(last.lock, patience) : null;
  const seconds = Math.max(1, Math.round(patience / 1000));
  return new ResealError(
    'STORE_UNREACHABLE',
    found === null
      ? `${theStore(place)} was being written by others whenever this change was tried, for ${seconds} s. Look for who writes so much to it, and try again.`
      : `${theStore(place)} takes no change: ${found}`,
  );
}
