import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { git, GitFailure, type RemoteCall } from './command.js';
import { GitCommits, type Change } from './commits.js';
import { blamesTheClone, BUSY_CLONE, NO_BRANCH } from './remote-failures.js';
import { rejectionOf } from './remote-push.js';
import { Turns } from './turns.js';

export interface MirrorPlace {
  /** An address that git reaches, or a path on this machine. */
  readonly url: string;
  readonly branch: string;
  /** Absolute folder of this machine that is the mirror's alone. */
  readonly folder: string;
}

/** What became of a push; `refused`: by the other side, in its words. */
export type Pushed =
  { readonly outcome: 'landed' } | { readonly outcome: 'moved' } | { readonly outcome: 'refused'; readonly reason: string };

/**
 * A branch of somebody else's repository, and a clone of it on this machine that follows wherever the branch goes: what was rewritten there is
 * its owners' business. The clone is a cache, and is made anew when it is broken.
 */
export class GitMirror {
  /** The clone, in which objects are read. */
  readonly repository: string;
  private readonly ref: string;
  private readonly fetches = new Turns<string | null>();

  constructor(
    private readonly place: MirrorPlace,
    private readonly remote: RemoteCall,
    private readonly clock: () => number = Date.now,
  ) {
    this.repository = join(place.folder, 'mirror.git');
    this.ref = `refs/heads/${place.branch}`;
  }

  /** Fetches; answers the branch's tip as it is then, null where there is no such branch. @throws GitFailure */
  tip(): Promise<string | null> {
    return this.fetches.next(async () => {
      try {
        return await this.fetch();
      } catch (cause) {
        if (!(cause instanceof GitFailure) || !blamesTheClone(cause)) throw cause;
        await this.build();
        return this.fetch();
      }
    });
  }

  /**
   * One commit on the tip that it was decided on, or none: `--force-with-lease` names that tip, and the commit's parent makes the push a fast-forward.
   * @throws GitFailure where nobody knows what became of it
   */
  async push(tip: string, change: Change): Promise<Pushed> {
    const pending = `refs/reseal/pending/${randomUUID()}`;
    const { repository } = this;
    try {
      await new GitCommits(repository, pending, this.clock).commit(tip, change);
      const options = ['--porcelain', '--no-verify', '--no-signed', '--no-recurse-submodules', '--no-follow-tags'];
      const lease = `--force-with-lease=${this.ref}:${tip}`;
      await git({ repository, command: ['push', ...options, lease, '--', this.place.url, `${pending}:${this.ref}`], remote: this.remote });
      return { outcome: 'landed' };
    } catch (cause) {
      const rejection = cause instanceof GitFailure && cause.command === 'push' ? rejectionOf(cause) : null;
      if (rejection === null) throw cause;
      return rejection;
    } finally {
      await git({ repository, command: ['update-ref', '-d', pending] }).catch(() => undefined);
    }
  }

  private async fetch(): Promise<string | null> {
    const options = ['--no-progress', '--no-tags', '--no-write-fetch-head', '--no-recurse-submodules', '--no-auto-gc', '--refmap='];
    const command = ['fetch', ...options, '--', this.place.url, `+${this.ref}:${this.ref}`];
    const until = performance.now() + this.remote.timeout;
    for (;;) {
      try {
        await git({ repository: this.repository, command, remote: this.remote });
        return (await git({ repository: this.repository, command: ['rev-parse', '--verify', this.ref] })).trim();
      } catch (cause) {
        if (!(cause instanceof GitFailure)) throw cause;
        if (NO_BRANCH.test(cause.said)) return null;
        // Another process of this machine fetches into the same clone.
        if (!BUSY_CLONE.test(cause.said) || performance.now() > until) throw cause;
        await sleep(20 + Math.random() * 30);
      }
    }
  }

  /** Makes the clone, empty, whole or not at all, in the place of a broken one. */
  private async build(): Promise<void> {
    const { folder, branch } = this.place;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const fresh = await mkdtemp(join(folder, '.clone-'));
    try {
      await git({ repository: null, command: ['init', '--quiet', '--bare', '-b', branch, fresh] });
      const broken = join(folder, `.broken-${randomUUID()}`);
      await rename(this.repository, broken).catch(unless('ENOENT'));
      // Another process was faster: its clone is as good as this one.
      await rename(fresh, this.repository).catch(unless('ENOTEMPTY', 'EEXIST'));
      await rm(broken, { recursive: true, force: true });
    } finally {
      await rm(fresh, { recursive: true, force: true });
    }
  }
}

const unless =
  (...codes: readonly string[]) =>
  (error: unknown): void => {
    if (!codes.includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  };
