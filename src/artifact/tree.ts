import { ResealError } from '../domain/errors.js';
import type { SequentialBytes } from './sequential-bytes.js';

/** The files of an artifact, packed or not; paths are relative with `/`. Links are never followed. */
export interface ArtifactTree {
  /** Names directly in a folder, sorted; none where there is no folder. */
  children(folder: string): Promise<readonly string[]>;
  /**
   * The whole of a small file; null where there is none.
   * @param most bytes that such a file has at most
   * @throws ResealError FILE_UNREADABLE where it is larger, a link, or damaged
   */
  read(path: string, most: number): Promise<Uint8Array | null>;
  /** A file of any size, from its beginning; null where there is none. Close it. @throws as `read` */
  open(path: string): Promise<SequentialBytes | null>;
  /** Where the file system has a folder of the tree; null inside an archive. */
  place(folder: string): string | null;
  close(): Promise<void>;
}

/** @param what a clause that says what is wrong, without a full stop */
export const unreadable = (artifact: string, what: string, next: string, cause?: unknown): ResealError =>
  new ResealError('FILE_UNREADABLE', `${artifact} cannot be read: ${what}. ${next}`, cause === undefined ? undefined : { cause });
