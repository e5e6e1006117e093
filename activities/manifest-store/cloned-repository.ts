import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ResealError } from '../../src/domain/errors.js';
import { git, GitFailure, NO_SPACE, type RemoteCall } from '../git/command.js';
import { GitCommits, type Change, type Landing } from '../git/commits.js';
import { isFile } from './local-repository.js';
import { plainReason, theStore, type StorePlace } from './out-of-reach.js';
import { blamesTheClone, BUSY_CLONE, NO_BRANCH, NOT_A_CONTINUATION, remoteReason, words } from '../git/remote-failures.js';
import { rejectionOf } from '../git/remote-push.js';
import type { StoreRepository } from './store-repository.js';
import { Turns } from '../git/turns.js';

export interface ClonedPlace extends StorePlace {
  readonly url: string;
  /** Absolute folder of this machine that holds the clone and what is known of the branch; `repository` lies in it. */
  readonly folder: string;
}

/** What a look at the other side found. */
type Found = 'branch' | 'no-branch';

/**
 * A repository that git reaches by URL. Reading fetches its branch into a clone on this machine, writing pushes one commit onto the tip that it was
 * decided on: `--force-with-lease` makes that the compare-and-swap, and the commit's parent makes it a fast-forward. The clone is a cache, and is made anew
 * when it is broken; that the branch only ever grows is checked against what this machine has seen of it.
 */
export class ClonedRepository implements StoreRepository {
  private readonly fetches = new Turns<Found>();
  private readonly ref: string;
  private known: string | null = null;
  /** Which clone this process last began to use; null before the first. */
  private used: string | null = null;
  private listed: { readonly revision: string; readonly paths: Promise<ReadonlySet<string>> } | null = null;

  constructor(
    readonly place: ClonedPlace,
    private readonly branch: string,
    private readonly remote: RemoteCall,
    private readonly clock: () => number,
  ) {
    this.ref = `refs/heads/${branch}`;
  }

  get answersWithin(): number {
    return this.remote.timeout * 2;
  }

  async refresh(): Promise<void> {
    if ((await this.look()) === 'no-branch') throw this.unreachable(this.noBranch());
  }

  async commit(tip: string | null, change: Change): Promise<Landing> {
    if (tip === null) throw this.unreachable(this.noBranch());
    return this.push(tip, change);
  }

  async create(): Promise<boolean> {
    try {
      if ((await this.look()) === 'branch') return false;
      const landing = await this.push(null, { files: new Map(), subject: 'Begin the store', context: {} });
      return landing.outcome === 'landed';
    } catch (cause) {
      throw await this.failure(cause);
    }
  }

  isThere(): Promise<boolean> {
    return this.look().then(
      (found) => found === 'branch',
      () => false,
    );
  }

  async confirmAbsent(name: string): Promise<void> {
    const [revision = '', path = ''] = name.split(':');
    if (path !== '' && !(await this.pathsOf(revision)).has(path)) return;
    throw new GitFailure('cat-file', null, `missing object ${name} of the clone`);
  }

  async repair(cause: unknown): Promise<boolean> {
    if (!(cause instanceof GitFailure) || !blamesTheClone(cause)) return false;
    try {
      // One that another process has put into its place meanwhile is not the one to blame.
      const there = await this.clone();
      const replaced = this.used !== null && this.used !== there;
      await this.fetches.alone(() => (replaced ? this.fetchOrRebuild() : this.rebuild(there)));
      return true;
    } catch (error) {
      throw await this.failure(error);
    }
  }

  async failure(cause: unknown): Promise<ResealError> {
    if (cause instanceof ResealError) return cause;
    if (!(cause instanceof GitFailure)) return this.unreachable(ofThisDisk(cause instanceof Error ? cause.message : String(cause)), cause);
    if (NO_SPACE.test(cause.said) && !/^remote:/m.test(cause.said)) return this.unreachable(ofThisDisk(cause.said), cause);
    return this.unreachable(remoteReason(cause, 'store'), cause);
  }

  /** Fetches the branch. Whoever asks while a fetch is under way gets the next one: the present one may not see what was pushed meanwhile. */
  private look(): Promise<Found> {
    return this.fetches.next(() => this.fetchOrRebuild());
  }

  private async fetchOrRebuild(): Promise<Found> {
    this.used = await this.clone();
    if (this.used === null || !(await isFile(join(this.place.repository, 'HEAD')))) return this.rebuild(this.used);
    try {
      return await this.fetchKnown();
    } catch (cause) {
      if (!(cause instanceof GitFailure) || !blamesTheClone(cause)) throw cause;
      return await this.rebuild(this.used);
    }
  }

  /** What tells the clone that is there now from any other in its place; null where there is none. */
  private async clone(): Promise<string | null> {
    try {
      const { ino, birthtimeNs } = await stat(this.place.repository, { bigint: true });
      return `${ino}:${birthtimeNs}`;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw cause;
    }
  }

  /** Files and folders of a revision; a commit's are listed once, however many are asked for. */
  private async pathsOf(revision: string): Promise<ReadonlySet<string>> {
    if (this.listed?.revision === revision) return this.listed.paths;
    const paths = git({ repository: this.place.repository, command: ['ls-tree', '-r', '-t', '-z', '--name-only', revision] }).then(
      (names) => new Set(names.split('\0')),
    );
    this.listed = /^[0-9a-f]{40,64}$/.test(revision) ? { revision, paths } : null;
    paths.catch(() => (this.listed = null));
    return paths;
  }

  private async fetchKnown(): Promise<Found> {
    const found = await this.fetchPatiently();
    const tip = await this.tip();
    if (found === 'no-branch' && tip !== null) throw this.rewritten(tip, 'there is no such branch now');
    await this.remember();
    return found;
  }

  /** A second look before anybody is told of a rewritten branch: a commit of our own may have moved the clone while the first one was under way. */
  private async fetchPatiently(): Promise<Found> {
    const until = performance.now() + this.remote.timeout;
    for (let refusals = 0; ;) {
      try {
        return await this.fetchInto(this.place.repository);
      } catch (cause) {
        if (!(cause instanceof GitFailure)) throw cause;
        if (NOT_A_CONTINUATION.test(cause.said)) {
          refusals += 1;
          if (refusals > 1) throw this.rewritten((await this.tip()) ?? 'another commit', 'what is there now does not contain that');
        } else if (!BUSY_CLONE.test(cause.said) || performance.now() > until) throw cause;
        await sleep(20 + Math.random() * 30);
      }
    }
  }

  private async fetchInto(repository: string): Promise<Found> {
    const options = ['--no-progress', '--no-tags', '--no-write-fetch-head', '--no-recurse-submodules', '--no-auto-gc', '--refmap='];
    const command = ['fetch', ...options, '--', this.place.url, `${this.ref}:${this.ref}`];
    try {
      await git({ repository, command, remote: this.remote });
      return 'branch';
    } catch (cause) {
      if (cause instanceof GitFailure && NO_BRANCH.test(cause.said)) return 'no-branch';
      throw cause;
    }
  }

  /**
   * Makes the clone, whole or not at all, in the place of none or of a broken one. What this machine knew of the branch must be in it. Where another
   * process has made one meanwhile, that one is used: commits which others are about to push lie in it.
   * @param broken which clone it is to replace
   */
  private async rebuild(broken: string | null): Promise<Found> {
    const { folder, repository } = this.place;
    if (broken !== (await this.clone())) return this.fetchKnown();
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const fresh = await mkdtemp(join(folder, '.clone-'));
    try {
      await git({ repository: null, command: ['init', '--quiet', '--bare', '-b', this.branch, fresh] });
      await git({ repository: fresh, command: ['config', 'remote.origin.url', this.place.url] });
      const found = await this.fetchInto(fresh);
      const known = await readKnown(folder);
      if (known !== null && (found === 'no-branch' || !(await contains(fresh, this.ref, known))))
        throw this.rewritten(known, found === 'no-branch' ? 'there is no such branch now' : 'what is there now does not contain that');
      if (broken !== null) await this.discard(broken);
      // Another process was faster: its clone is as good as this one.
      await rename(fresh, repository).catch(ignoring('ENOTEMPTY', 'EEXIST'));
      this.used = await this.clone();
      await this.remember();
      return found;
    } finally {
      await rm(fresh, { recursive: true, force: true });
    }
  }

  /** Takes a broken clone away, unless another process already did. */
  private async discard(broken: string): Promise<void> {
    const { folder, repository } = this.place;
    if ((await this.clone()) !== broken) return;
    const aside = join(folder, `.broken-${randomUUID()}`);
    await rename(repository, aside).catch(ignoring('ENOENT'));
    await rm(aside, { recursive: true, force: true });
  }

  private async push(tip: string | null, change: Change): Promise<Landing> {
    const { repository, url } = this.place;
    const pending = `refs/reseal/pending/${randomUUID()}`;
    try {
      await new GitCommits(repository, pending, this.clock).commit(tip, change);
      const lease = `--force-with-lease=${this.ref}:${tip ?? ''}`;
      const options = ['--porcelain', '--no-verify', '--no-signed', '--no-recurse-submodules', '--no-follow-tags', lease];
      await git({ repository, command: ['push', ...options, '--', url, `${pending}:${this.ref}`], remote: this.remote });
      await this.follow(pending, tip);
      return { outcome: 'landed' };
    } catch (cause) {
      if (!(cause instanceof GitFailure) || cause.command !== 'push' || blamesTheClone(cause)) throw cause;
      const rejection = rejectionOf(cause);
      if (rejection?.outcome === 'moved') return rejection;
      if (rejection === null) throw cause;
      const said = words(cause.said.replace(/^error: failed to push some refs.*$/gm, ''));
      throw this.unreachable(`it refused the change: ${rejection.reason}.${said === '' ? '' : ` It says: ${said}.`}`, cause);
    } finally {
      await git({ repository, command: ['update-ref', '-d', pending] }).catch(() => undefined);
    }
  }

  /** The clone knows at once what was pushed. Where a fetch has come before, it knows it already. */
  private async follow(pending: string, tip: string | null): Promise<void> {
    const { repository } = this.place;
    const was = tip ?? '0'.repeat(40);
    await git({ repository, command: ['update-ref', this.ref, pending, was] }).catch(() => undefined);
    await this.remember();
  }

  /** The branch's tip in the clone, which git writes as a file of its own after a fetch; null where there is none. */
  private async tip(): Promise<string | null> {
    const text = await readFile(join(this.place.repository, this.ref), 'utf8').catch(() => '');
    return /^([0-9a-f]{40,64})\n?$/.exec(text)?.[1] ?? null;
  }

  /** Beside the clone, so that a clone made anew is held to what the lost one had seen. */
  private async remember(): Promise<void> {
    const tip = await this.tip();
    if (tip === null || tip === this.known) return;
    const path = knownFile(this.place.folder);
    const fresh = `${path}.${randomUUID()}`;
    await writeFile(fresh, `${JSON.stringify({ url: this.place.url, branch: this.branch, tip })}\n`);
    await rename(fresh, path);
    this.known = tip;
  }

  private noBranch(): string {
    return `it has no branch ${this.branch}. Check \`branch\` of the store in reseal.yaml; a line's first manifest makes it: reseal manifest freeze DIR --line LINE --first.`;
  }

  private rewritten(tip: string, now: string): ResealError {
    const { repository, folder, url } = this.place;
    return this.unreachable(
      `somebody has rewritten its history: the branch ${this.branch} was at ${tip.slice(0, 12)} when this machine last saw it, and ${now}. Heads and records may be lost. ` +
        `The clone ${repository} still has them: find out who did it, and put them back (git --git-dir=${repository} push --force ${url} ${this.branch}). ` +
        `Where it was meant, remove ${folder} on every machine that runs reseal.`,
    );
  }

  private unreachable(reason: string, cause?: unknown): ResealError {
    return new ResealError('STORE_UNREACHABLE', `${theStore(this.place)} cannot be used: ${reason}`, { cause });
  }
}

const ofThisDisk = (said: string): string => `its clone on this machine cannot be written: ${plainReason(said)}`;

const knownFile = (folder: string): string => join(folder, 'known.json');

async function readKnown(folder: string): Promise<string | null> {
  const text = await readFile(knownFile(folder), 'utf8').catch(() => '{}');
  try {
    const { tip } = JSON.parse(text) as { readonly tip?: unknown };
    return typeof tip === 'string' && /^[0-9a-f]{40,64}$/.test(tip) ? tip : null;
  } catch {
    return null;
  }
}

const contains = (repository: string, ref: string, commit: string): Promise<boolean> =>
  git({ repository, command: ['merge-base', '--is-ancestor', commit, ref] }).then(
    () => true,
    () => false,
  );

const ignoring =
  (...codes: readonly string[]) =>
  (error: unknown): void => {
    if (!codes.includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  };
