import type { NodeName } from '../domain/brands.js';

/** A path on the node itself: absolute, or below `~`, the home folder of the node's user. */
export type NodePath = string;

/** What is at a path. A symbolic link is never followed: it is something else than a file. */
export type Found =
  { readonly kind: 'absent' } | { readonly kind: 'file'; readonly bytes: Uint8Array } | { readonly kind: 'other'; readonly what: string };

/** Which file is at a path, and how long it is. */
export interface Extent {
  /** Tells a file from another one that was put in its place. */
  readonly file: string;
  /** Bytes. */
  readonly size: number;
}

/** A file that is written and synced beside its target, not yet visible under its name. */
export interface PreparedFile {
  /** Renames it to its name. The folder is not synced: do that once for all files of a folder. */
  commit(): void;
  /** Removes it; does nothing after a commit. */
  discard(): void;
}

/**
 * The files of one node. Every failure is a ResealError: NODE_UNREACHABLE when the node's home is gone or cannot be read,
 * NODE_WRITE_FAILED (disk full, not writable, a file in place of a folder) naming node and path.
 */
export interface NodeFiles {
  readonly node: NodeName;
  /** Where a node's path really is; also the key under which processes on one machine agree. */
  resolve(path: NodePath): string;
  /** @throws ResealError NODE_UNREACHABLE */
  reach(): void;
  read(path: NodePath): Found;
  /** Names in a folder, sorted; none where there is no folder. */
  list(folder: NodePath): readonly string[];
  /** The folders that are missing for `folder` to be there, itself included, outermost first. */
  missingFolders(folder: NodePath): readonly NodePath[];
  /** Creates one folder in one that is there; nothing happens where it is there already. */
  makeFolder(folder: NodePath): void;
  /** Removes a folder if it is there and empty. */
  removeEmptyFolder(folder: NodePath): void;
  /** Writes and syncs bytes under a temporary name in the target's folder, which must be there. `owner` goes into that name. */
  prepare(path: NodePath, bytes: Uint8Array, mode: number, owner: string): Promise<PreparedFile>;
  /** Moves a file, link or folder, replacing what is at the target; across volumes by a verified copy. */
  move(from: NodePath, to: NodePath): Promise<void>;
  /** Makes renames in these folders durable. */
  syncFolders(folders: Iterable<NodePath>): Promise<void>;
  /** Appends and syncs. Answers what the file is after it. */
  append(path: NodePath, text: string): Promise<Extent>;
  /** Null where there is none. */
  extent(path: NodePath): Extent | null;
  /** Bytes from `start` to the end. */
  tail(path: NodePath, start: number): Uint8Array;
  /** Whether anything is at the path; a link counts by itself, whatever it leads to. */
  exists(path: NodePath): boolean;
  /** Creates a link whose target is `text`; false where something is there already. */
  createLink(path: NodePath, text: string): boolean;
  /** The text of a link; null where there is none. */
  readLink(path: NodePath): string | null;
  /** Removes a file or link; nothing happens where there is none. */
  remove(path: NodePath): void;
}

/** Names of files that are being written; whoever holds the node's lock may remove those of others. */
export const isTemporary = (name: string): boolean => /^\.reseal-.*\.tmp$/.test(name);
