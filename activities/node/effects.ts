import { posix } from 'node:path';
import type { Sha256 } from '../../src/domain/brands.js';
import { ResealError } from '../../src/domain/errors.js';
import type { NodeStep, Placement } from '../../src/domain/node/steps.js';
import { isTemporary, type Digested, type NodePath, type PreparedFile } from '../../src/node-shell/contract.js';
import { differences } from './differences.js';
import type { Effect } from './effect.js';
import { putIdentity, shelveIdentity, unlockIdentity } from './identities.js';
import { PROFILE_FOLDERS, profilePath } from './paths.js';
import type { WritingSession } from './session.js';

export type ChangingStep = Exclude<NodeStep, { do: 'fence' } | { do: 'read-back' }>;

/** The effect of a step, by node truth; null where the node is so already. Called under the lock. */
export function planEffect(session: WritingSession, step: ChangingStep): Promise<Effect | null> {
  switch (step.do) {
    case 'put-profile':
      return putProfile(session, step.placement);
    case 'put-manifest':
      return putManifest(session, step.manifest);
    case 'accept':
      return setAccepted(session, step.manifest, 'accept');
    case 'un-accept':
      return setAccepted(session, step.manifest, 'un-accept');
    case 'activate':
      return activate(session, step.manifest);
    case 'put-identity':
      return putIdentity(session, step.identity);
    case 'unlock-identity':
      return unlockIdentity(session, step.identity);
    case 'shelve-identity':
      return shelveIdentity(session, step.identity);
    case 'quarantine-profile':
      return quarantineProfile(session, step.placement);
    case 'quarantine-manifest':
      return quarantineManifest(session, step.manifest);
  }
}

interface FileToWrite {
  readonly path: NodePath;
  readonly bytes: Uint8Array;
  readonly mode: number;
}

/** Where something is, and where it goes. */
type Move = readonly [from: NodePath, to: NodePath];

/** Writes files under temporary names and renames them in the order given. `aside`: what is in the way is moved first, under the fence. */
function writing(session: WritingSession, subject: string, files: readonly FileToWrite[], aside: readonly Move[] = []): Effect {
  let prepared: readonly PreparedFile[] = [];
  const folders = [...new Set([...files.map((file) => file.path), ...aside.map(([, to]) => to)].map((path) => posix.dirname(path)))];
  return {
    subject,
    folders,
    touched: folders,
    prepare: async () => {
      const results = await Promise.allSettled(
        files.map(({ path, bytes, mode }) => session.files.prepare(path, bytes, mode, session.order.opId)),
      );
      prepared = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
      for (const result of results) if (result.status === 'rejected') throw result.reason;
    },
    apply: async () => {
      for (const [from, to] of aside) {
        await session.held.check();
        await session.files.move(from, to);
      }
      for (const file of prepared) {
        await session.held.check();
        await file.commit();
      }
    },
    discard: async () => {
      for (const file of prepared) await file.discard();
    },
  };
}

async function putProfile(session: WritingSession, placement: Placement): Promise<Effect | null> {
  const path = profilePath(placement);
  const bytes = await session.contents.profile(placement.sha256, () => quarantined(session, placement));
  const found = await digestAt(session, path);
  if (found.kind === 'file' && found.sha256 === placement.sha256) return null;
  // A link is replaced by the rename; it is no file of its own that anyone could miss.
  const nothing = found.kind === 'absent' || (found.kind === 'other' && found.what === 'a symbolic link');
  const aside: readonly Move[] = nothing ? [] : [[path, strayPath(session, placement, found)]];
  return writing(session, `${placement.folder}/${placement.fileName}`, [{ path, bytes, mode: 0o644 }], aside);
}

/** Retired profiles are still on the node: they come back without the store. */
async function quarantined(session: WritingSession, placement: Placement): Promise<Uint8Array | null> {
  const found = await session.files.read(session.paths.quarantinedProfile(session.order.rotation, placement));
  return found.kind === 'file' ? found.bytes : null;
}

/** A place in quarantine that never meets the right bytes' place. */
function strayPath(
  session: WritingSession,
  placement: Placement,
  found: { readonly sha256: Sha256 } | { readonly what: string },
): NodePath {
  const mark = 'sha256' in found ? found.sha256.slice(0, 16) : 'other';
  return session.paths.quarantinedStray(session.order.rotation, placement, mark);
}

async function putManifest(session: WritingSession, digest: Sha256): Promise<Effect | null> {
  const { files, paths, contents } = session;
  const known = await contents.manifest(digest);
  const settings = await contents.settings(known, session.node.name);
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

async function setAccepted(session: WritingSession, digest: Sha256, what: 'accept' | 'un-accept'): Promise<Effect | null> {
  const { accepted } = session.attempt;
  const present = (await accepted.read(session.name)) ?? [];
  if (what === 'un-accept') await refuseActive(session, digest);
  if (present.includes(digest) === (what === 'accept')) return null;
  const next = what === 'accept' ? [...present, digest] : present.filter((one) => one !== digest);
  return writing(session, digest, [await accepted.replacement(session.name, next)]);
}

async function activate(session: WritingSession, digest: Sha256): Promise<Effect | null> {
  const { paths, contents } = session;
  const { bytes } = await contents.manifest(digest);
  const found = await digestAt(session, paths.active);
  if (found.kind === 'file' && found.sha256 === digest) return null;
  return writing(session, digest, [{ path: paths.active, bytes, mode: 0o644 }]);
}

async function quarantineProfile(session: WritingSession, placement: Placement): Promise<Effect | null> {
  const path = profilePath(placement);
  const found = await digestAt(session, path);
  if (found.kind === 'absent') return null;
  const right = found.kind === 'file' && found.sha256 === placement.sha256;
  const target = right ? session.paths.quarantinedProfile(session.order.rotation, placement) : strayPath(session, placement, found);
  return moving(session, `${placement.folder}/${placement.fileName}`, [[path, target]], PROFILE_FOLDERS[placement.folder]);
}

async function quarantineManifest(session: WritingSession, digest: Sha256): Promise<Effect | null> {
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

function moving(session: WritingSession, subject: string, moves: readonly Move[], ...sources: readonly NodePath[]): Effect {
  const targets = [...new Set(moves.map(([, to]) => posix.dirname(to)))];
  return {
    subject,
    folders: targets,
    touched: [...sources, ...targets],
    prepare: async () => undefined,
    apply: async () => {
      for (const [from, to] of moves) {
        await session.held.check();
        await session.files.move(from, to);
      }
    },
    discard: async () => undefined,
  };
}

const digestAt = async ({ files }: WritingSession, path: NodePath): Promise<Digested> =>
  (await files.digests([path]))[0] ?? { kind: 'absent' };

async function refuseActive(session: WritingSession, digest: Sha256): Promise<void> {
  const found = await digestAt(session, session.paths.active);
  if (found.kind === 'file' && found.sha256 === digest) {
    throw new ResealError(
      'REFUSED',
      `Node ${session.files.node}: manifest ${digest} is the active one of ${session.name} and cannot be taken away. Switch the node to another one first.`,
    );
  }
}
