import { constants } from 'node:fs';
import { open, readdir, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { SequentialBytes } from './sequential-bytes.js';
import { unreadable, type ArtifactTree } from './tree.js';

const NEXT = 'Give the artifact as the build made it, with files in place of links.';

/** An artifact that is a folder. */
export class FolderTree implements ArtifactTree {
  /** @param named as errors name it */
  constructor(
    private readonly root: string,
    private readonly named: string,
  ) {}

  async children(folder: string): Promise<readonly string[]> {
    try {
      const entries = await readdir(this.place(folder), { withFileTypes: true });
      return entries
        .filter((entry) => !entry.isSymbolicLink())
        .map((entry) => entry.name)
        .sort();
    } catch (cause) {
      if (isAbsent(cause)) return [];
      throw unreadable(this.named, `${folder || 'the folder'} does not open`, 'Check its permissions.', cause);
    }
  }

  async read(path: string, most: number): Promise<Uint8Array | null> {
    const file = await this.file(path);
    if (file === null) return null;
    try {
      const { size } = await file.stat();
      if (size > most) throw unreadable(this.named, `${path} has ${size} bytes, and no such file has more than ${most}`, NEXT);
      return Uint8Array.from(await file.readFile());
    } finally {
      await file.close();
    }
  }

  async open(path: string): Promise<SequentialBytes | null> {
    const file = await this.file(path);
    return file === null ? null : new SequentialBytes(file.createReadStream() as AsyncIterable<Buffer>);
  }

  place(folder: string): string {
    return join(this.root, folder);
  }

  async close(): Promise<void> {
    // Files are closed as they are read.
  }

  private async file(path: string): Promise<FileHandle | null> {
    let file: FileHandle;
    try {
      // O_NONBLOCK: opening a pipe must not wait for a writer.
      file = await open(this.place(path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    } catch (cause) {
      if (isAbsent(cause)) return null;
      const isLink = cause instanceof Error && 'code' in cause && cause.code === 'ELOOP';
      throw unreadable(
        this.named,
        isLink ? `${path} is a symbolic link` : `${path} does not open`,
        isLink ? NEXT : 'Check its permissions.',
        cause,
      );
    }
    const stat = await file.stat();
    if (stat.isFile()) return file;
    await file.close();
    throw unreadable(this.named, `${path} is no regular file`, NEXT);
  }
}

const isAbsent = (cause: unknown): boolean =>
  cause instanceof Error && 'code' in cause && (cause.code === 'ENOENT' || cause.code === 'ENOTDIR');
