import { randomUUID } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ResealError } from '../../src/domain/errors.js';
import { blamesPushedClone, GitClone, type Found } from '../git/clone.js';
import { git, GitFailure, NO_SPACE, type RemoteCall } from '../git/command.js';
import type { Change, Landing } from '../git/commits.js';
import { blamesTheClone, NOT_A_CONTINUATION, remoteReason, words } from '../git/remote-failures.js';
import { rejectionOf } from '../git/remote-push.js';
import { Turns } from '../git/turns.js';
import { plainReason, theStore, type StorePlace } from './out-of-reach.js';
import type { StoreRepository } from './store-repository.js';

export interface ClonedPlace extends StorePlace {
  readonly url: string;
  /** Absolute folder of this machine that holds the clone and what is known of the branch; `repository` lies in it. */
  readonly folder: string;
}

/**
 * A repository that git reaches by URL. Reading fetches its branch into a clone on this machine, writing pushes one commit onto the tip that it was
 * decided on: `--force-with-lease` makes that the compare-and-swap, and the commit's parent makes it a fast-forward. The clone is a cache, and is made anew
 * when it is broken; that the branch only ever grows is checked against what this machine has seen of it.
 */
export class ClonedRepository implements StoreRepository {
  private readonly fetches = new Turns<Found>();
  private readonly clone: GitClone;
  private known: string | null = null;
  private listed: { readonly revision: string; readonly paths: Promise<ReadonlySet<string>> } | null = null;

  constructor(
    readonly place: ClonedPlace,
    private readonly branch: string,
    private readonly remote: RemoteCall,
    clock: () => number,
  ) {
    const { url, folder, repository } = place;
    this.clone = new GitClone({ url, folder, repository, branch, rewritten: 'refused' }, remote, clock);
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
      await this.fetches.alone(() => this.clone.repaired(this.uses));
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
    return this.fetches.next(() => this.clone.orRebuilt(this.uses));
  }

  private readonly uses = {
    use: () => this.fetchKnown(),
    rebuild: (broken: string | null) => this.rebuild(broken),
  };

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
  private fetchPatiently(): Promise<Found> {
    let refusals = 0;
    return this.clone.fetchPatiently(async (failure) => {
      if (!NOT_A_CONTINUATION.test(failure.said)) return false;
      refusals += 1;
      if (refusals > 1) throw this.rewritten((await this.tip()) ?? 'another commit', 'what is there now does not contain that');
      return true;
    });
  }

  /** A clone made anew: what this machine knew of the branch must be in it. */
  private async rebuild(broken: string | null): Promise<Found> {
    const made = await this.clone.replace(broken, async (fresh) => {
      const found = await this.clone.fetch(fresh);
      const known = await readKnown(this.place.folder);
      if (known !== null && (found === 'no-branch' || !(await contains(fresh, this.clone.ref, known))))
        throw this.rewritten(known, found === 'no-branch' ? 'there is no such branch now' : 'what is there now does not contain that');
      return found;
    });
    if (made === null) return this.fetchKnown();
    await this.remember();
    return made.filled;
  }

  private async push(tip: string | null, change: Change): Promise<Landing> {
    try {
      await this.clone.push(tip, change, (pending) => this.follow(pending, tip));
      return { outcome: 'landed' };
    } catch (cause) {
      if (!(cause instanceof GitFailure) || cause.command !== 'push' || blamesPushedClone(cause)) throw cause;
      const rejection = rejectionOf(cause);
      if (rejection?.outcome === 'moved') return rejection;
      if (rejection === null) throw cause;
      const said = words(cause.said.replace(/^error: failed to push some refs.*$/gm, ''));
      throw this.unreachable(`it refused the change: ${rejection.reason}.${said === '' ? '' : ` It says: ${said}.`}`, cause);
    }
  }

  /** The clone knows at once what was pushed. Where a fetch has come before, it knows it already. */
  private async follow(pending: string, tip: string | null): Promise<void> {
    const { repository } = this.place;
    const was = tip ?? '0'.repeat(40);
    await git({ repository, command: ['update-ref', this.clone.ref, pending, was] }).catch(() => undefined);
    await this.remember();
  }

  /** The branch's tip in the clone, which git writes as a file of its own after a fetch; null where there is none. */
  private async tip(): Promise<string | null> {
    const text = await readFile(join(this.place.repository, this.clone.ref), 'utf8').catch(() => '');
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
