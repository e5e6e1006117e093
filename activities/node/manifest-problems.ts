import type { Sha256 } from '../../src/domain/brands.js';
import { differences } from './differences.js';
import type { NodeSession } from './session.js';

/** Differences in a manifest's frozen bytes and rendered settings on the node. */
export async function manifestProblems(session: NodeSession, digest: Sha256): Promise<readonly string[]> {
  const { files, paths, contents } = session;
  const known = await contents.manifest(digest);
  const settings = await contents.settings(known, session.node.name, session.line);
  const wanted = [
    { path: paths.manifest(digest), sha256: digest },
    ...settings.map(({ path, sha256 }) => ({ path: `${paths.settings}/${path}`, sha256 })),
  ];
  const found = await files.digests(wanted.map(({ path }) => path));
  return wanted.flatMap(({ path, sha256 }, position) => differences(path, found[position], sha256));
}
