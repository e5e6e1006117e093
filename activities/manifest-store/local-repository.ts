import { join } from 'node:path';
import type { ResealError } from '../../src/domain/errors.js';
import { isFile } from '../git/clone.js';
import { GitFailure } from '../git/command.js';
import { GitCommits, type Change, type Landing } from '../git/commits.js';
import { absenceOf, outOfReach, type StorePlace } from './out-of-reach.js';
import { createRepository } from './repository.js';
import type { StoreRepository } from './store-repository.js';

/** A bare repository on a disk of this machine, used in its place. */
export class LocalRepository implements StoreRepository {
  readonly answersWithin = 5_000;
  private readonly commits: GitCommits;

  constructor(
    readonly place: StorePlace,
    private readonly branch: string,
    clock: () => number,
  ) {
    this.commits = new GitCommits(place.repository, `refs/heads/${branch}`, clock);
  }

  async refresh(): Promise<void> {
    // It is what is read.
  }

  commit(tip: string | null, change: Change): Promise<Landing> {
    return this.commits.commit(tip, change);
  }

  create(): Promise<boolean> {
    return createRepository(this.place, this.branch);
  }

  async isThere(): Promise<boolean> {
    return (await absenceOf(this.place.repository)) === null;
  }

  /**
   * A reader that was started before answers "missing" for everything once the repository is gone from under it: a head that is out of reach must
   * never look like one that was never set.
   */
  async confirmAbsent(): Promise<void> {
    if (!(await isFile(join(this.place.repository, 'HEAD')))) throw new GitFailure('cat-file', null, 'not a git repository any more');
  }

  async repair(): Promise<boolean> {
    return false;
  }

  failure(cause: unknown): Promise<ResealError> {
    return outOfReach(this.place, cause);
  }
}
