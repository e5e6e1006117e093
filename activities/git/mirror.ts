import { join } from 'node:path';
import { blamesPushedClone, GitClone, isFile, type ClonePlace } from './clone.js';
import { git, GitFailure, type RemoteCall } from './command.js';
import type { Change } from './commits.js';
import { rejectionOf } from './remote-push.js';
import { Turns } from './turns.js';

export type MirrorPlace = Pick<ClonePlace, 'url' | 'branch' | 'folder'>;

/** What became of a push; `refused`: by the other side, in its words. */
export type Pushed =
  { readonly outcome: 'landed' } | { readonly outcome: 'moved' } | { readonly outcome: 'refused'; readonly reason: string };

/**
 * A branch of somebody else's repository, and a clone of it on this machine that follows wherever the branch goes: what was rewritten there is
 * its owners' business.
 */
export class GitMirror {
  private readonly clone: GitClone;
  private readonly fetches = new Turns<string | null>();

  constructor(place: MirrorPlace, remote: RemoteCall, clock: () => number = Date.now) {
    this.clone = new GitClone({ ...place, repository: join(place.folder, 'mirror.git'), rewritten: 'followed' }, remote, clock);
  }

  /** The clone, in which objects are read. */
  get repository(): string {
    return this.clone.place.repository;
  }

  /** Fetches; answers the branch's tip as it is then, null where there is no such branch. @throws GitFailure */
  tip(): Promise<string | null> {
    return this.fetches.next(() => this.clone.orRebuilt(this.uses));
  }

  /**
   * One commit on the tip that it was decided on, or none.
   * @throws GitFailure where nobody knows what became of it
   */
  async push(tip: string, change: Change): Promise<Pushed> {
    try {
      await this.clone.push(tip, change);
      return { outcome: 'landed' };
    } catch (cause) {
      if (blamesPushedClone(cause) || (await this.wentMeanwhile(cause))) {
        await this.fetches.alone(() => this.clone.repaired(this.uses));
        return { outcome: 'moved' };
      }
      const rejection = cause instanceof GitFailure && cause.command === 'push' ? rejectionOf(cause) : null;
      if (rejection === null) throw cause;
      return rejection;
    }
  }

  /** Whether the clone was taken away under the commit that was being made in it: nothing of that has reached the other side. */
  private async wentMeanwhile(cause: unknown): Promise<boolean> {
    return cause instanceof GitFailure && cause.command === 'fast-import' && !(await isFile(join(this.repository, 'HEAD')));
  }

  private readonly uses = {
    use: () => this.fetch(),
    rebuild: async (broken: string | null): Promise<string | null> => {
      await this.clone.replace(broken, async () => undefined);
      return this.fetch();
    },
  };

  private async fetch(): Promise<string | null> {
    if ((await this.clone.fetchPatiently()) === 'no-branch') return null;
    return (await git({ repository: this.repository, command: ['rev-parse', '--verify', this.clone.ref] })).trim();
  }
}
