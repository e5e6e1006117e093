import type { Instant, NodeName, Sha256 } from '../domain/brands.js';
import type { PasswordSource } from '../domain/topology.js';
import type { Exchange } from './socket/exchange.js';

/** A path on the node itself: absolute, or below `~`, the home folder of the node's user. */
export type NodePath = string;

/** What is at a path. A symbolic link is never followed: it is something else than a file. */
export type Found =
  { readonly kind: 'absent' } | { readonly kind: 'file'; readonly bytes: Uint8Array } | { readonly kind: 'other'; readonly what: string };

/** The same, by digest: the bytes are read and hashed on the node, and stay there. */
export type Digested =
  { readonly kind: 'absent' } | { readonly kind: 'file'; readonly sha256: Sha256 } | { readonly kind: 'other'; readonly what: string };

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
  commit(): Promise<void>;
  /** Removes it; does nothing after a commit. */
  discard(): Promise<void>;
}

/**
 * The files of one node, wherever it is. Every failure is a ResealError: NODE_UNREACHABLE when the node's home is gone or cannot be read, or
 * the way to it broke; NODE_WRITE_FAILED (disk full, not writable, a file in place of a folder) naming node and path.
 */
export interface NodeFiles {
  readonly node: NodeName;
  /** Names a path of this node among those of all nodes; equal for two paths that are the same place. */
  resolve(path: NodePath): string;
  /** @throws ResealError NODE_UNREACHABLE */
  reach(): Promise<void>;
  /** The node's own clock, in milliseconds since 1970; to the second at least. */
  now(): Promise<Instant>;
  read(path: NodePath): Promise<Found>;
  /**
   * The text of a short file whose digest `digests` has just told, brought without a program of the node's. null: it is not short, or no such text, or another
   * file by now; `read` tells which.
   */
  shortText(path: NodePath, sha256: Sha256): Promise<string | null>;
  /** What is at each path; read anew every time. */
  digests(paths: readonly NodePath[]): Promise<readonly Digested[]>;
  /** Names in a folder, sorted; none where there is no folder. */
  list(folder: NodePath): Promise<readonly string[]>;
  /** The folders that are missing for `folder` to be there, itself included, outermost first. */
  missingFolders(folder: NodePath): Promise<readonly NodePath[]>;
  /**
   * Creates one folder in one that is there; nothing happens where it is there already.
   * @param group whether accounts of its group may write in it; over SSH nothing comes of it
   */
  makeFolder(folder: NodePath, group?: 'group-writes'): Promise<void>;
  /** Removes a folder if it is there and empty. */
  removeEmptyFolder(folder: NodePath): Promise<void>;
  /** Writes and syncs bytes under a temporary name in the target's folder, which must be there. `owner` goes into that name. */
  prepare(path: NodePath, bytes: Uint8Array, mode: number, owner: string): Promise<PreparedFile>;
  /** Moves a file, link or folder, replacing what is at the target; across volumes by a verified copy. */
  move(from: NodePath, to: NodePath): Promise<void>;
  /** Makes renames in these folders durable. */
  syncFolders(folders: Iterable<NodePath>): Promise<void>;
  /** Appends and syncs. Answers what the file is after it. */
  append(path: NodePath, text: string): Promise<Extent>;
  /** Null where there is none. */
  extent(path: NodePath): Promise<Extent | null>;
  /** Bytes from `start` to the end. */
  tail(path: NodePath, start: number): Promise<Uint8Array>;
  /** Whether anything is at the path; a link counts by itself, whatever it leads to. */
  exists(path: NodePath): Promise<boolean>;
  /** Creates the link that is a lock; false where something is there already. @param owner begins with the `identity` that was answered last */
  createLock(path: NodePath, owner: string): Promise<boolean>;
  /**
   * Creates a link that is a note, and stays when whoever made it has gone; nothing happens where something is there already.
   * @param text letters, digits and `:._-`, beginning with one of the first two: it is no path to anywhere
   */
  createNote(path: NodePath, text: string): Promise<void>;
  /** The text of a link; null where there is none. */
  readLink(path: NodePath): Promise<string | null>;
  /** Removes a file or link; nothing happens where there is none. */
  remove(path: NodePath): Promise<void>;
  /** `<pid>:<start time>` of the process on the node that does all this; who holds a lock is told by it. */
  identity(): Promise<string>;
  /** Whether the process of such an identity still runs on the node. One whose start time cannot be read counts as running. */
  isRunning(identity: string): Promise<boolean>;
}

/** What a node's own programs are asked through; `reseal-node.sh` runs no others. */
export type NodeProgram = 'security' | 'codesign' | 'xcodebuild' | 'sw_vers' | 'pmset' | 'defaults' | 'mount';

export interface NodeCommand {
  readonly program: NodeProgram;
  readonly args: readonly string[];
  /** Secrets come this way, never as arguments: those are seen by everybody on the node. */
  readonly stdin?: string;
  /** Milliseconds; rounded up to seconds. */
  readonly timeout: number;
}

export interface CommandResult {
  /** 127: the node has no such program. */
  readonly code: number;
  /** At most 1 MiB of each, as it came; over SSH without NUL characters, where it is short. */
  readonly stdout: string;
  readonly stderr: string;
  /** It was ended because it took longer than it might. */
  readonly expired: boolean;
  /** Why it was not run at all, as the end of a sentence; the code is 126 then. Absent: it was run, or the node has no such program. */
  readonly notRun?: string;
}

/** A node as reseal uses it: its files, and the programs that macOS ships. */
export interface NodeShell extends NodeFiles {
  /** The folder in which what signs may write too, where that runs as another account; null: wherever this one may. */
  readonly signingFolder: NodePath | null;
  /** Runs a program in the home and with the environment of the node's user. @throws ResealError NODE_UNREACHABLE */
  run(command: NodeCommand): Promise<CommandResult>;
  /** The path as the node's programs know it: absolute, fit for an argument. @throws ResealError NODE_UNREACHABLE */
  programPath(path: NodePath): Promise<string>;
  /**
   * Asks a service of the node over a Unix socket whose folder is its owner's alone. `socket` is a path on the node. @returns the line that was answered, or in a
   * sentence why there is none
   */
  askService(request: Exchange): Promise<{ readonly line: string } | string>;
  /** The password of the node's keychains; read anew every time. @throws ResealError KEYCHAIN_FAILED, without it */
  password(source: PasswordSource): Promise<string>;
}

/** Names of files that are being written; whoever holds the node's lock may remove those of others. */
export const isTemporary = (name: string): boolean => /^\.reseal-.*\.tmp$/.test(name);
