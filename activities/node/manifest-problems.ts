import type { Sha256 } from '../../src/domain/brands.js';
import type { Digested, NodePath } from '../../src/node-shell/contract.js';
import { differences } from './differences.js';
import type { NodeSession } from './session.js';

/** A file that a node is to have, byte for byte. */
export interface WantedFile {
  readonly path: NodePath;
  readonly sha256: Sha256;
}

/** A manifest's frozen bytes and rendered settings, as the node is to have them. */
export async function manifestFiles({ node, line, paths, contents }: NodeSession, digest: Sha256): Promise<readonly WantedFile[]> {
  const settings = await contents.settings(await contents.manifest(digest), node.name, line);
  return [
    { path: paths.manifest(digest), sha256: digest },
    ...settings.map(({ path, sha256 }) => ({ path: `${paths.settings}/${path}`, sha256 })),
  ];
}

/** @param found what is at each of them, in their order */
export const unlike = (wanted: readonly WantedFile[], found: readonly Digested[]): readonly string[] =>
  wanted.flatMap(({ path, sha256 }, position) => differences(path, found[position], sha256));

/** Differences in a manifest's frozen bytes and rendered settings on the node. */
export async function manifestProblems(session: NodeSession, digest: Sha256): Promise<readonly string[]> {
  const wanted = await manifestFiles(session, digest);
  return unlike(wanted, await session.files.digests(wanted.map(({ path }) => path)));
}
