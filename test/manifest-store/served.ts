import type { OpenStore } from '../../activities/manifest-store/contract.js';
import type { BucketStoreOptions } from '../../activities/manifest-store/bucket/store.js';
import type { GitStoreOptions } from '../../activities/manifest-store/git.js';

/** A place for a store, and stores that reach it as machines of their own. */
export interface Served<Options extends GitStoreOptions | BucketStoreOptions = GitStoreOptions | BucketStoreOptions> {
  /** As sentences about the store name it. */
  readonly address: string;
  /** What is said of it before anybody has begun it. */
  readonly notBegun: string;
  /** Makes what `create` needs on the other side. */
  prepare(): Promise<void>;
  /** Of one more machine. */
  options(change?: Partial<Options>): Options;
  /** Closed by `stop`. @param options by default of one more machine */
  open(options?: Options): Promise<OpenStore>;
  /** Whether nobody has put anything there. */
  isUntouched(): boolean;
  /** What its own tools find wrong with it; empty for nothing. */
  damage(): string;
  goAway(): Promise<void>;
  comeBack(): Promise<void>;
  stop(): Promise<void>;
}
