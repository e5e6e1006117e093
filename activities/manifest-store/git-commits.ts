import type { StoreContext } from './contract.js';
import { afterFailedImport } from './failed-import.js';
import { git, GitFailure } from './git-command.js';
import { NO_SPACE } from './out-of-reach.js';

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
