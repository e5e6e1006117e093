import type { ResealError } from '../../src/domain/errors.js';
import type { Change, Landing } from '../git/commits.js';
import type { StorePlace } from './out-of-reach.js';

/** The git repository that a store is in: on a disk of this machine, or by URL with a clone here. Objects are read from `place.repository`. */
export interface StoreRepository {
  readonly place: StorePlace;
  /** How long it may take to say that it is away, in milliseconds. */
  readonly answersWithin: number;
  /** What is read of the branch after it is not older than its call. @throws GitFailure, ResealError STORE_UNREACHABLE */
  refresh(): Promise<void>;
  /** Lands on the tip that it was decided on, or not at all. @throws GitFailure for everything but another writer */
  commit(tip: string | null, change: Change): Promise<Landing>;
  /** Makes an empty store where there is none; answers whether it did. @throws ResealError STORE_UNREACHABLE */
  create(): Promise<boolean>;
  isThere(): Promise<boolean>;
  /** An object that was not found is truly not there. @throws GitFailure where it is only lost here */
  confirmAbsent(name: string): Promise<void>;
  /** Whether what is broken here could be had anew, and was: then it can be read again. @throws ResealError STORE_UNREACHABLE */
  repair(cause: unknown): Promise<boolean>;
  /** Says in plain words why it cannot be used. */
  failure(cause: unknown): Promise<ResealError>;
}
