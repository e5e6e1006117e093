import { posix } from 'node:path';
import type { NodePath, NodeShell } from '../../src/node-shell/contract.js';

/** A folder of reseal's own on a node for as long as something is tried there; what programs leave in it goes with it. */
export class CanaryFolder {
  private readonly made = new Set<NodePath>();

  readonly path: NodePath;

  /** @param name of the folder. @param own where it lies, unless what signs runs as another account and has a place for it */
  constructor(
    private readonly files: NodeShell,
    own: NodePath,
    name: string,
  ) {
    this.path = `${files.signingFolder ?? own}/${name}`;
  }

  /** Does the work in an empty folder, and removes it, also after a failure; what an attempt that was killed has left goes first. */
  async use<T>(work: () => Promise<T>): Promise<T> {
    await this.clear();
    try {
      return await work();
    } finally {
      await this.clear();
      // That of another account is there for the next one.
      if (!this.shared) await this.files.removeEmptyFolder(posix.dirname(this.path));
    }
  }

  /** @param name a path below the folder */
  async write(name: string, bytes: Uint8Array, kind: 'data' | 'program' = 'data'): Promise<void> {
    const path = posix.join(this.path, name);
    await this.makeFolders(posix.dirname(path));
    const mode = this.shared ? (kind === 'program' ? 0o770 : 0o660) : kind === 'program' ? 0o755 : 0o644;
    await (await this.files.prepare(path, bytes, mode, 'canary')).commit();
  }

  private get shared(): boolean {
    return this.files.signingFolder !== null;
  }

  at(name: string): NodePath {
    return posix.join(this.path, name);
  }

  private async makeFolders(folder: NodePath): Promise<void> {
    if (this.made.has(folder)) return;
    for (const missing of await this.files.missingFolders(folder))
      await this.files.makeFolder(missing, ...(this.shared ? (['group-writes'] as const) : []));
    this.made.add(folder);
  }

  private async clear(): Promise<void> {
    await removeTree(this.files, this.path);
    this.made.clear();
  }
}

/** Links are removed as such: nothing outside the folder goes with it. */
async function removeTree(files: NodeShell, folder: NodePath): Promise<void> {
  const paths = (await files.list(folder)).map((name) => posix.join(folder, name));
  const found = await files.digests(paths);
  for (const [index, path] of paths.entries()) {
    const one = found[index];
    if (one?.kind === 'other' && one.what === 'a folder') await removeTree(files, path);
    else await files.remove(path);
  }
  await files.removeEmptyFolder(folder);
}
