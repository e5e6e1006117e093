import { posix } from 'node:path';
import type { Sha256 } from '../../src/domain/brands.js';
import { ResealError } from '../../src/domain/errors.js';
import { isTemporary, type Digested, type NodePath } from '../../src/node-shell/contract.js';
import { differences } from './differences.js';
import type { Effect } from './effect.js';
import { moving, writing, type FileToWrite, type Move } from './file-effects.js';
import type { WritingSession } from './session.js';

/** Frozen bytes and rendered settings. */
export async function putManifest(session: WritingSession, digest: Sha256): Promise<Effect | null> {
  const { files, paths, contents } = session;
  const known = await contents.manifest(digest);
  const settings = await contents.settings(known, session.node.name, session.line);
  const wanted: (FileToWrite & { readonly sha256: Sha256 })[] = [
    ...settings.map(({ path, bytes, sha256 }) => ({ path: `${paths.settings}/${path}`, bytes, sha256, mode: 0o444 })),
    // Last, so that a manifest that is there has its settings.
    { path: paths.manifest(digest), bytes: known.bytes, sha256: digest, mode: 0o444 },
  ];
  await removeTemporaries(session, new Set(wanted.map((file) => posix.dirname(file.path))));
  const found = await files.digests(wanted.map(({ path }) => path));
  const missing = wanted.filter(({ path, sha256 }, position) => differences(path, found[position], sha256).length > 0);
  return missing.length === 0 ? null : writing(session, digest, missing);
}

async function removeTemporaries({ files }: WritingSession, folders: ReadonlySet<NodePath>): Promise<void> {
  for (const folder of folders) for (const name of await files.list(folder)) if (isTemporary(name)) await files.remove(`${folder}/${name}`);
}

export async function activate(session: WritingSession, digest: Sha256): Promise<Effect | null> {
  const { paths, contents } = session;
  const { bytes } = await contents.manifest(digest);
  const found = await digestAt(session, paths.active);
  if (found.kind === 'file' && found.sha256 === digest) return null;
  return writing(session, digest, [{ path: paths.active, bytes, mode: 0o644 }]);
}

export async function quarantineManifest(session: WritingSession, digest: Sha256): Promise<Effect | null> {
  const { files, paths } = session;
  await refuseActive(session, digest);
  const moves: Move[] = [];
  if (await files.exists(paths.manifest(digest)))
    moves.push([paths.manifest(digest), paths.quarantinedManifest(session.order.rotation, digest)]);
  if (await files.exists(paths.settingsOf(digest)))
    moves.push([paths.settingsOf(digest), paths.quarantinedSettings(session.order.rotation, digest)]);
  if (moves.length === 0) return null;
  return moving(session, digest, moves, ...moves.map(([from]) => posix.dirname(from)));
}

export const digestAt = async ({ files }: WritingSession, path: NodePath): Promise<Digested> =>
  (await files.digests([path]))[0] ?? { kind: 'absent' };

/** @throws ResealError REFUSED where the manifest is the active one */
export async function refuseActive(session: WritingSession, digest: Sha256): Promise<void> {
  const found = await digestAt(session, session.paths.active);
  if (found.kind === 'file' && found.sha256 === digest) {
    throw new ResealError(
      'REFUSED',
      `Node ${session.files.node}: manifest ${digest} is the active one of ${session.name} and cannot be taken away. Switch the node to another one first.`,
    );
  }
}
