import { hash, randomUUID } from 'node:crypto';
import { constants, type BigIntStats } from 'node:fs';
import { posix } from 'node:path';
import type { Instant, NodeName, Sha256 } from '../domain/brands.js';
import { ResealError } from '../domain/errors.js';
import type { PasswordSource } from '../domain/topology.js';
import type { CommandResult, Digested, Extent, Found, NodeCommand, NodePath, NodeShell, PreparedFile } from './contract.js';
import { codeOf, readFailed, unreachableHome, writeFailed } from './failures.js';
import { realFileSystem, type FileSystem } from './file-system.js';
import { executeHere, readPassword } from './password.js';
import { simulatedMac, type Place } from './place.js';
import { isRunning, ownIdentity } from './process-identity.js';
import { askOwner } from './socket/ask.js';
import type { Exchange } from './socket/exchange.js';
import { isFolder, removeTree, writeAll } from './trees.js';

const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_APPEND, O_NOFOLLOW, O_NONBLOCK, O_DIRECTORY } = constants;
/** An empty part, `.`, `..` or a final slash. */
const UNTIDY = /\/\.{0,2}(?:\/|$)/;
/** What rename(2) answers when a folder is at the target, or a file where a folder should go. */
const IN_THE_WAY: ReadonlySet<string> = new Set(['EISDIR', 'ENOTDIR', 'ENOTEMPTY', 'EEXIST']);
const READ_SIZE = 64 * 1024;
const scratch = Buffer.allocUnsafeSlow(READ_SIZE);

/**
 * A node whose files are on this machine: those of a simulated one below a folder that is its root and its `~`, those of the Mac that this is where they
 * are (`Place`). The home itself is never created: without it the node is unreachable.
 */
export class LocalNode implements NodeShell {
  /** Of the node's `/`, without a final slash. */
  private readonly root: string;
  private readonly home: string;
  private readonly place: Place;

  /** @param place a folder: that of a simulated Mac */
  constructor(
    readonly node: NodeName,
    place: string | Place,
    private readonly fs: FileSystem = realFileSystem,
  ) {
    this.place = typeof place === 'string' ? simulatedMac(posix.resolve(place)) : place;
    this.root = this.place.root;
    this.home = this.place.home;
  }

  resolve(path: NodePath): string {
    const inHome = path === '~' || path.startsWith('~/');
    const own = inHome ? path.slice(1) || '/' : path;
    if (!own.startsWith('/'))
      throw new ResealError('CONFIG_INVALID', `Node ${this.node}: the path ${path} is neither absolute nor below ~.`);
    // Normalised as an absolute path first, so that no `..` leads out of the home.
    return (inHome ? this.home : this.root) + (UNTIDY.test(own) ? posix.normalize(own).replace(/\/$/, '') : own);
  }

  async programPath(path: NodePath): Promise<string> {
    return this.resolve(path);
  }

  password(source: PasswordSource): Promise<string> {
    return readPassword(this, source, { environment: process.env, execute: (command) => executeHere(command, this.home) });
  }

  async reach(): Promise<void> {
    this.mustBeThere();
  }

  async now(): Promise<Instant> {
    return Date.now();
  }

  private mustBeThere(): void {
    try {
      if (this.fs.lstat(this.home)?.isDirectory() === true) return;
    } catch (cause) {
      throw unreachableHome(this.node, this.home, cause);
    }
    throw unreachableHome(this.node, this.home, null);
  }

  async read(path: NodePath): Promise<Found> {
    const real = this.resolve(path);
    let fd: number;
    try {
      // Not blocking: somebody may have put a pipe there.
      fd = this.fs.open(real, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    } catch (cause) {
      if (this.isGone(cause)) return { kind: 'absent' };
      if (codeOf(cause) === 'ELOOP' || codeOf(cause) === 'EMLINK') return { kind: 'other', what: 'a symbolic link' };
      if (codeOf(cause) === 'ENXIO') return { kind: 'other', what: 'a socket or pipe' };
      throw readFailed(this.node, path, cause);
    }
    try {
      return { kind: 'file', bytes: this.readAll(fd, 0) };
    } catch (cause) {
      if (codeOf(cause) === 'EISDIR') return { kind: 'other', what: 'a folder' };
      if (codeOf(cause) === 'ESPIPE') return { kind: 'other', what: 'a socket or pipe' };
      throw readFailed(this.node, path, cause);
    } finally {
      this.fs.close(fd);
    }
  }

  async shortText(path: NodePath, sha256: Sha256): Promise<string | null> {
    const found = await this.read(path);
    return found.kind === 'file' && hash('sha256', found.bytes) === sha256 ? Buffer.from(found.bytes).toString('utf8') : null;
  }

  async digests(paths: readonly NodePath[]): Promise<readonly Digested[]> {
    const found = await Promise.all(paths.map((path) => this.read(path)));
    return found.map((one) => (one.kind === 'file' ? { kind: 'file', sha256: hash('sha256', one.bytes) as Sha256 } : one));
  }

  async list(folder: NodePath): Promise<readonly string[]> {
    try {
      return this.fs.readdir(this.resolve(folder)).sort();
    } catch (cause) {
      if (this.isGone(cause)) return [];
      throw readFailed(this.node, folder, cause);
    }
  }

  async missingFolders(folder: NodePath): Promise<readonly NodePath[]> {
    const missing: NodePath[] = [];
    for (let path = this.resolve(folder); path.length > this.root.length + 1; path = posix.dirname(path)) {
      if (this.lstat(path, folder) !== undefined) break;
      missing.unshift(path.slice(this.root.length));
    }
    return missing;
  }

  get signingFolder(): NodePath | null {
    return this.place.signingFolder ?? null;
  }

  async makeFolder(folder: NodePath, group?: 'group-writes'): Promise<void> {
    try {
      const path = this.resolve(folder);
      this.fs.mkdir(path, 0o755);
      // The umask has taken from the mode what a group is given here.
      if (group !== undefined) this.chmod(path, 0o2770);
    } catch (cause) {
      if (codeOf(cause) !== 'EEXIST') throw this.writing(folder, 'create the folder', cause);
    }
  }

  private chmod(path: string, mode: number): void {
    const fd = this.fs.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    try {
      this.fs.fchmod(fd, mode);
    } finally {
      this.fs.close(fd);
    }
  }

  async removeEmptyFolder(folder: NodePath): Promise<void> {
    try {
      this.fs.rmdir(this.resolve(folder));
    } catch (cause) {
      if (!['ENOENT', 'ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(codeOf(cause))) throw this.writing(folder, 'remove the folder', cause);
    }
  }

  async prepare(path: NodePath, bytes: Uint8Array, mode: number, owner: string): Promise<PreparedFile> {
    const real = this.resolve(path);
    const name = `.reseal-${owner.replace(/[^A-Za-z0-9-]/g, '-').slice(0, 80)}-${randomUUID()}.tmp`;
    const temporary = posix.join(posix.dirname(real), name);
    try {
      const fd = this.fs.open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
      try {
        // Whatever this process's umask is: builds of other accounts read these files.
        this.fs.fchmod(fd, mode);
        writeAll(this.fs, fd, bytes);
        await this.fs.fsync(fd);
      } finally {
        this.fs.close(fd);
      }
    } catch (cause) {
      this.removeQuietly(temporary);
      throw this.writing(path, 'write', cause);
    }
    let done = false;
    return {
      commit: async () => {
        try {
          this.fs.rename(temporary, real);
          done = true;
        } catch (cause) {
          throw this.writing(path, 'replace', cause);
        }
      },
      discard: async () => {
        if (!done) this.removeQuietly(temporary);
        done = true;
      },
    };
  }

  async move(from: NodePath, to: NodePath): Promise<void> {
    const source = this.resolve(from);
    const target = this.resolve(to);
    try {
      this.rename(source, target);
    } catch (cause) {
      if (codeOf(cause) !== 'EXDEV') throw this.writing(from, 'move away', cause);
      await this.copyTree(from, to);
      removeTree(this.fs, source);
    }
  }

  async syncFolders(folders: Iterable<NodePath>): Promise<void> {
    await Promise.all(
      [...new Set(folders)].map(async (folder) => {
        try {
          const fd = this.fs.open(this.resolve(folder), O_RDONLY | O_DIRECTORY);
          try {
            await this.fs.fsync(fd);
          } finally {
            this.fs.close(fd);
          }
        } catch (cause) {
          throw this.writing(folder, 'sync the folder', cause);
        }
      }),
    );
  }

  async append(path: NodePath, text: string): Promise<Extent> {
    try {
      const fd = this.fs.open(this.resolve(path), O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, 0o644);
      try {
        writeAll(this.fs, fd, Buffer.from(text, 'utf8'));
        await this.fs.fsync(fd);
      } finally {
        this.fs.close(fd);
      }
    } catch (cause) {
      throw this.writing(path, 'append to', cause);
    }
    // Somebody else has removed it since: what comes next finds a file that is not this one.
    return (await this.extent(path)) ?? { file: '', size: 0 };
  }

  async extent(path: NodePath): Promise<Extent | null> {
    const stat = this.lstat(this.resolve(path), path);
    return stat === undefined ? null : { file: `${stat.dev}.${stat.ino}`, size: Number(stat.size) };
  }

  async tail(path: NodePath, start: number): Promise<Uint8Array> {
    try {
      const fd = this.fs.open(this.resolve(path), O_RDONLY | O_NOFOLLOW);
      try {
        return this.readAll(fd, start);
      } finally {
        this.fs.close(fd);
      }
    } catch (cause) {
      if (this.isGone(cause)) return new Uint8Array();
      throw readFailed(this.node, path, cause);
    }
  }

  async exists(path: NodePath): Promise<boolean> {
    return this.lstat(this.resolve(path), path) !== undefined;
  }

  async createLock(path: NodePath, owner: string): Promise<boolean> {
    return this.createLink('create the lock', path, owner);
  }

  async createNote(path: NodePath, text: string): Promise<void> {
    this.createLink('create the note', path, text);
  }

  /** False where something is there already. */
  private createLink(doing: string, path: NodePath, text: string): boolean {
    try {
      this.fs.symlink(text, this.resolve(path));
      return true;
    } catch (cause) {
      if (codeOf(cause) === 'EEXIST') return false;
      throw this.writing(path, doing, cause);
    }
  }

  async readLink(path: NodePath): Promise<string | null> {
    try {
      return this.fs.readlink(this.resolve(path));
    } catch (cause) {
      if (this.isGone(cause) || codeOf(cause) === 'EINVAL') return null;
      throw readFailed(this.node, path, cause);
    }
  }

  async remove(path: NodePath): Promise<void> {
    try {
      this.fs.unlink(this.resolve(path));
    } catch (cause) {
      if (!this.isGone(cause)) throw this.writing(path, 'remove', cause);
    }
  }

  async run(command: NodeCommand): Promise<CommandResult> {
    this.mustBeThere();
    return this.place.run(command);
  }

  async askService(request: Exchange): Promise<{ readonly line: string } | string> {
    this.mustBeThere();
    return askOwner({ ...request, socket: this.resolve(request.socket) });
  }

  identity(): Promise<string> {
    return ownIdentity();
  }

  isRunning(identity: string): Promise<boolean> {
    return isRunning(identity);
  }

  /** A folder replaces an empty folder only, and a file no folder at all: what is in the way goes first. */
  private rename(source: string, target: string): void {
    try {
      this.fs.rename(source, target);
    } catch (cause) {
      if (!IN_THE_WAY.has(codeOf(cause))) throw cause;
      removeTree(this.fs, target);
      this.fs.rename(source, target);
    }
  }

  /** undefined: not there, though the node is. */
  private lstat(real: string, path: NodePath): BigIntStats | undefined {
    try {
      const stat = this.fs.lstat(real);
      if (stat === undefined) this.mustBeThere();
      return stat;
    } catch (cause) {
      if (cause instanceof ResealError) throw cause;
      if (this.isGone(cause)) return undefined;
      throw readFailed(this.node, path, cause);
    }
  }

  /** Whether the path is not there; throws NODE_UNREACHABLE where that is so because the whole node is gone. */
  private isGone(cause: unknown): boolean {
    if (codeOf(cause) !== 'ENOENT' && codeOf(cause) !== 'ENOTDIR') return false;
    this.mustBeThere();
    return true;
  }

  private writing(path: NodePath, doing: string, cause: unknown): ResealError {
    if (cause instanceof ResealError) return cause;
    if (codeOf(cause) === 'ENOENT') {
      try {
        this.mustBeThere();
      } catch (unreachable) {
        if (unreachable instanceof ResealError) return unreachable;
      }
    }
    return writeFailed(this.node, path, doing, cause);
  }

  private readAll(fd: number, start: number): Uint8Array {
    const first = this.fs.read(fd, scratch, 0, READ_SIZE, start);
    if (first < READ_SIZE) return Buffer.from(scratch.subarray(0, first));
    const chunks = [Buffer.from(scratch)];
    for (let position = start + first; ;) {
      const chunk = Buffer.allocUnsafe(READ_SIZE);
      const length = this.fs.read(fd, chunk, 0, READ_SIZE, position);
      if (length === 0) return Buffer.concat(chunks);
      chunks.push(chunk.subarray(0, length));
      position += length;
    }
  }

  /** Across volumes: every file is written whole and synced before its source goes. A link is not worth keeping: it holds no bytes. */
  private async copyTree(from: NodePath, to: NodePath): Promise<void> {
    if (isFolder(this.fs, this.resolve(from))) {
      await this.makeFolder(to);
      for (const name of await this.list(from)) await this.copyTree(posix.join(from, name), posix.join(to, name));
      await this.syncFolders([to]);
      return;
    }
    const found = await this.read(from);
    if (found.kind !== 'file') return;
    const mode = Number((this.fs.lstat(this.resolve(from))?.mode ?? 0o644n) & 0o777n);
    const copy = await this.prepare(to, found.bytes, mode, 'move');
    await copy.commit();
    await this.syncFolders([posix.dirname(to)]);
  }

  private removeQuietly(real: string): void {
    try {
      this.fs.unlink(real);
    } catch {
      // Gone already, or on a disk that refuses everything: the next operation removes what is left over.
    }
  }
}
