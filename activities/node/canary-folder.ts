import { randomUUID } from 'node:crypto';
import { posix } from 'node:path';
import type { NodePath, NodeShell } from '../../src/node-shell/contract.js';

/** Folders in which this process is at work now. */
const live = new Set<NodePath>();

/** Where canary folders lie, and whether accounts of its group work there too: what signs may run as another one. */
export interface CanaryPlace {
  readonly folder: NodePath;
  readonly whose: 'own' | 'group';
}

/** @param own where they lie unless the node's signing programs run as another account, which has a place for it */
export const signingPlace = (files: NodeShell, own: NodePath): CanaryPlace =>
  files.signingFolder === null ? { folder: own, whose: 'own' } : { folder: files.signingFolder, whose: 'group' };

/** A folder of reseal's own on a node for as long as something is tried there; what programs leave in it goes with it. */
export class CanaryFolder {
  private readonly made = new Set<NodePath>();

  readonly path: NodePath;

  /** @param kin what its name begins with, as those of earlier attempts of the same kind do */
  constructor(
    private readonly files: NodeShell,
    private readonly place: CanaryPlace,
    private readonly kin: string,
  ) {
    // Nobody can lay something in its place, and an attempt that was given up and still runs has another one.
    this.path = `${place.folder}/${kin}${randomUUID()}`;
  }

  /** Does the work in an empty folder, and removes it, also after a failure; what an attempt that was killed has left goes first. */
  async use<T>(work: () => Promise<T>): Promise<T> {
    live.add(this.path);
    try {
      await this.clearLeftOvers();
      return await work();
    } finally {
      await this.clear();
      live.delete(this.path);
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

  /** Copies a folder of elsewhere on the node, files alone. */
  async copyIn(from: NodePath, name: string): Promise<void> {
    const found = await this.files.read(from);
    if (found.kind === 'file') return this.write(name, found.bytes);
    if (found.kind === 'other' && found.what === 'a folder')
      for (const below of await this.files.list(from)) await this.copyIn(posix.join(from, below), posix.join(name, below));
  }

  private get shared(): boolean {
    return this.place.whose === 'group';
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

  /** Of attempts that have ended, or that this one follows: what comes of them counts no more. */
  private async clearLeftOvers(): Promise<void> {
    const parent = posix.dirname(this.path);
    const left = (await this.files.list(parent)).filter((name) => name.startsWith(this.kin)).map((name) => posix.join(parent, name));
    for (const path of left) if (!live.has(path)) await removeTree(this.files, path);
  }

  private async clear(): Promise<void> {
    await removeTree(this.files, this.path);
    this.made.clear();
  }
}

/** Links are removed as such, that in the place of the folder itself included: nothing outside goes with it. */
export async function removeTree(files: NodeShell, folder: NodePath): Promise<void> {
  const [root] = await files.digests([folder]);
  if (root?.kind !== 'other' || root.what !== 'a folder') return files.remove(folder);
  const paths = (await files.list(folder)).map((name) => posix.join(folder, name));
  const found = await files.digests(paths);
  for (const [index, path] of paths.entries()) {
    const one = found[index];
    if (one?.kind === 'other' && one.what === 'a folder') await removeTree(files, path);
    else await files.remove(path);
  }
  await files.removeEmptyFolder(folder);
}
