import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { git, GitFailure, type RemoteCall } from './command.js';
import { GitCommits, type Change } from './commits.js';
import { blamesTheClone, BUSY_CLONE, NO_BRANCH } from './remote-failures.js';

/** Where stores and sources by URL have their clones on this machine. */
export const clonesFolder = (home: string): string => join(home, 'clones');

export interface ClonePlace {
  /** An address that git reaches, or a path on this machine. */
  readonly url: string;
  readonly branch: string;
  /** Absolute folder of this machine that is the clone's alone. */
  readonly folder: string;
  /** The bare repository in it. */
  readonly repository: string;
  /** What a fetch makes of a branch that does not contain what the clone has of it. */
  readonly rewritten: 'refused' | 'followed';
}

/** What a look at the other side found. */
export type Found = 'branch' | 'no-branch';

/** Makes what is asked of a clone that is there, or a clone in the place of `broken`: null for none. */
interface Uses<T> {
  readonly use: () => Promise<T>;
  readonly rebuild: (broken: string | null) => Promise<T>;
}

/** One branch of a repository elsewhere, in a bare clone that all processes of this machine share: a cache, which is made anew when it is broken. */
export class GitClone {
  readonly ref: string;
  /** Which clone this process last began to use; null before the first. */
  private used: string | null = null;

  constructor(
    readonly place: ClonePlace,
    private readonly remote: RemoteCall,
    private readonly clock: () => number,
  ) {
    this.ref = `refs/heads/${place.branch}`;
  }

  /** Uses the clone that is there; where there is none, or it is to blame for a failure, it is made anew. */
  async orRebuilt<T>({ use, rebuild }: Uses<T>): Promise<T> {
    this.used = await this.present();
    if (this.used === null || !(await isFile(join(this.place.repository, 'HEAD')))) return rebuild(this.used);
    try {
      return await use();
    } catch (cause) {
      if (!(cause instanceof GitFailure) || !blamesTheClone(cause)) throw cause;
      return await rebuild(this.used);
    }
  }

  /** For a failure that blames the clone. One that another process has put into its place meanwhile is not the one to blame. */
  async repaired<T>(uses: Uses<T>): Promise<T> {
    const there = await this.present();
    return this.used !== null && this.used !== there ? this.orRebuilt(uses) : uses.rebuild(there);
  }

  /**
   * Makes a clone, whole or not at all, in the place of none or of a broken one. Where another process has made one meanwhile, that one stays: commits
   * which others are about to push lie in it.
   * @param broken which clone it is to replace
   * @param fill what makes it whole
   * @returns what `fill` did; null where there is another one already
   */
  async replace<T>(broken: string | null, fill: (fresh: string) => Promise<T>): Promise<{ readonly filled: T } | null> {
    const { folder, repository, branch, url } = this.place;
    if (broken !== (await this.present())) return null;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const fresh = await mkdtemp(join(folder, '.clone-'));
    try {
      await git({ repository: null, command: ['init', '--quiet', '--bare', '-b', branch, fresh] });
      await git({ repository: fresh, command: ['config', 'remote.origin.url', url] });
      const filled = await fill(fresh);
      if (broken !== null) await this.discard(broken);
      // Another process was faster: its clone is as good as this one.
      await rename(fresh, repository).catch(ignoring('ENOTEMPTY', 'EEXIST'));
      this.used = await this.present();
      return { filled };
    } finally {
      await rm(fresh, { recursive: true, force: true });
    }
  }

  /** Fetches the branch, once. @param into the clone by default @throws GitFailure */
  async fetch(into = this.place.repository): Promise<Found> {
    const options = ['--no-progress', '--no-tags', '--no-write-fetch-head', '--no-recurse-submodules', '--no-auto-gc', '--refmap='];
    const refspec = `${this.place.rewritten === 'followed' ? '+' : ''}${this.ref}:${this.ref}`;
    try {
      await git({ repository: into, command: ['fetch', ...options, '--', this.place.url, refspec], remote: this.remote });
      return 'branch';
    } catch (cause) {
      if (cause instanceof GitFailure && NO_BRANCH.test(cause.said)) return 'no-branch';
      throw cause;
    }
  }

  /**
   * Fetches the branch, again and again while another process of this machine is at the clone, for as long as the other side may take to answer.
   * @param alsoAgain whether it is to be tried again after another failure; may throw what that is to be told as
   * @throws GitFailure
   */
  async fetchPatiently(alsoAgain: (failure: GitFailure) => Promise<boolean> = async () => false): Promise<Found> {
    const until = performance.now() + this.remote.timeout;
    for (;;) {
      try {
        return await this.fetch();
      } catch (cause) {
        if (!(cause instanceof GitFailure)) throw cause;
        const isBusy = BUSY_CLONE.test(cause.said) && performance.now() <= until;
        if (!(await alsoAgain(cause)) && !isBusy) throw cause;
        await sleep(20 + Math.random() * 30);
      }
    }
  }

  /**
   * One commit on the tip that it was decided on, or none: `--force-with-lease` names that tip, and the commit's parent makes the push a fast-forward.
   * @param tip null for a branch that is not there yet
   * @param landed is told the commit's ref, before that is taken away
   * @throws GitFailure
   */
  async push(tip: string | null, change: Change, landed: (pending: string) => Promise<void> = async () => undefined): Promise<void> {
    const { repository, url } = this.place;
    const pending = `refs/reseal/pending/${randomUUID()}`;
    try {
      await new GitCommits(repository, pending, this.clock).commit(tip, change);
      const lease = `--force-with-lease=${this.ref}:${tip ?? ''}`;
      const options = ['--porcelain', '--no-verify', '--no-signed', '--no-recurse-submodules', '--no-follow-tags', lease];
      await git({ repository, command: ['push', ...options, '--', url, `${pending}:${this.ref}`], remote: this.remote });
      await landed(pending);
    } finally {
      await git({ repository, command: ['update-ref', '-d', pending] }).catch(() => undefined);
    }
  }

  /** What tells the clone that is there now from any other in its place; null where there is none. */
  private async present(): Promise<string | null> {
    try {
      const { ino, birthtimeNs } = await stat(this.place.repository, { bigint: true });
      return `${ino}:${birthtimeNs}`;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw cause;
    }
  }

  /** Takes a broken clone away, unless another process already did. */
  private async discard(broken: string): Promise<void> {
    const { folder, repository } = this.place;
    if ((await this.present()) !== broken) return;
    const aside = join(folder, `.broken-${randomUUID()}`);
    await rename(repository, aside).catch(ignoring('ENOENT'));
    await rm(aside, { recursive: true, force: true });
  }
}

/** Whether a push failed in a way that blames the clone: nothing of it has reached the other side. */
export const blamesPushedClone = (cause: unknown): boolean =>
  cause instanceof GitFailure && cause.command === 'push' && blamesTheClone(cause);

export const isFile = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isFile(),
    () => false,
  );

const ignoring =
  (...codes: readonly string[]) =>
  (error: unknown): void => {
    if (!codes.includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  };
