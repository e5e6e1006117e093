import { posix } from 'node:path';
import type { LineName, Sha256 } from '../../src/domain/brands.js';
import { ResealError } from '../../src/domain/errors.js';
import type { Found, NodeFiles, NodePath } from '../../src/node-shell/contract.js';

/** A small JSON file in the node's state folder, one member per line. Written only under the node's lock, by replacing it whole. */
export class StateFile<T> {
  constructor(
    private readonly files: NodeFiles,
    readonly path: NodePath,
  ) {}

  async read(line: LineName): Promise<T | null> {
    return (await this.readAll())[line] ?? null;
  }

  /** @param seen its digest, where that has just been told: it is read at less cost then */
  async readAll(seen: Sha256 | null = null): Promise<Readonly<Record<string, T>>> {
    const text = seen === null ? null : await this.files.shortText(this.path, seen);
    const found: Found = text === null ? await this.files.read(this.path) : { kind: 'file', bytes: Buffer.from(text, 'utf8') };
    if (found.kind === 'absent') return {};
    try {
      if (found.kind === 'other') throw new Error(`it is ${found.what}`);
      return JSON.parse(Buffer.from(found.bytes).toString('utf8')) as Record<string, T>;
    } catch (cause) {
      // It is replaced by rename, so this is no torn write: guessing here could admit an order that was refused before.
      throw new ResealError(
        'NODE_WRITE_FAILED',
        `Node ${this.files.node}: ${this.path} cannot be read as JSON. Find out what wrote it; move it away if the node is idle.`,
        { cause },
      );
    }
  }

  /** The whole file with another value for the line, to be written in its place. */
  async replacement(line: LineName, value: T): Promise<{ readonly path: NodePath; readonly bytes: Uint8Array; readonly mode: number }> {
    const all = { ...(await this.readAll()), [line]: value };
    return { path: this.path, bytes: Buffer.from(`${JSON.stringify(all, null, 2)}\n`, 'utf8'), mode: 0o644 };
  }

  async write(line: LineName, value: T, owner: string): Promise<void> {
    const { path, bytes, mode } = await this.replacement(line, value);
    const prepared = await this.files.prepare(path, bytes, mode, owner);
    await prepared.commit();
    await this.files.syncFolders([posix.dirname(path)]);
  }
}
