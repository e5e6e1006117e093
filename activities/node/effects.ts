import type { Sha256 } from '../../src/domain/brands.js';
import { renderedNode } from '../../src/domain/node/rendered.js';
import type { NodeStep, Placement } from '../../src/domain/node/steps.js';
import { sha256Of } from '../../src/manifest/digest.js';
import type { NodePath } from '../../src/node-shell/contract.js';
import type { Effect } from './effect.js';
import { moving, writing, type FileToWrite, type Move } from './file-effects.js';
import { putIdentity, shelveIdentity, unlockIdentity } from './identities.js';
import { activate, digestAt, putManifest, quarantineManifest, refuseActive } from './manifest-effects.js';
import { PROFILE_FOLDERS, profilePath } from './paths.js';
import type { WritingSession } from './session.js';
import { movePointer, published, publishManifest, releaseManifest } from './volume.js';

export type ChangingStep = Exclude<NodeStep, { do: 'fence' } | { do: 'read-back' }>;

/** The effect of a step, by node truth; null where the node is so already. Called under the lock. */
export function planEffect(session: WritingSession, step: ChangingStep): Promise<Effect | null> {
  const { volume } = session;
  switch (step.do) {
    case 'put-profile':
      return putProfile(session, step.placement);
    case 'put-manifest':
      return volume === null ? putManifest(session, step.manifest) : publishManifest({ ...session, volume }, step.manifest);
    case 'accept':
      return setAccepted(session, step.manifest, 'accept');
    case 'un-accept':
      return setAccepted(session, step.manifest, 'un-accept');
    case 'activate':
      return volume === null ? activate(session, step.manifest) : movePointer({ ...session, volume }, step.manifest);
    case 'put-identity':
      return putIdentity(session, step.identity);
    case 'unlock-identity':
      return unlockIdentity(session, step.identity);
    case 'shelve-identity':
      return shelveIdentity(session, step.identity, step.gone);
    case 'quarantine-profile':
      return quarantineProfile(session, step.placement);
    case 'quarantine-manifest':
      return volume === null ? quarantineManifest(session, step.manifest) : releaseManifest({ ...session, volume }, step.manifest);
  }
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

async function setAccepted(session: WritingSession, digest: Sha256, what: 'accept' | 'un-accept'): Promise<Effect | null> {
  const { accepted } = session.attempt;
  const present = (await accepted.read(session.name)) ?? [];
  if (what === 'un-accept') await refuseActive(published(session), digest);
  const next = what === 'accept' ? [...new Set([...present, digest])] : present.filter((one) => one !== digest);
  // Before the manifest counts: a build that is let in by it knows which node this is.
  const files = what === 'accept' ? await renderedAnew(session) : [];
  if (next.length !== present.length) files.push(await accepted.replacement(session.name, next));
  return files.length === 0 ? null : writing(session, digest, files);
}

/** `node.json`, where it does not say what the order has frozen. */
async function renderedAnew(session: WritingSession): Promise<FileToWrite[]> {
  const path = session.paths.stateFile('node.json');
  const bytes = Buffer.from(`${JSON.stringify(renderedNode(session.node, session.policy), null, 2)}\n`, 'utf8');
  const found = await digestAt(session, path);
  return found.kind === 'file' && found.sha256 === sha256Of(bytes) ? [] : [{ path, bytes, mode: 0o644 }];
}

async function quarantineProfile(session: WritingSession, placement: Placement): Promise<Effect | null> {
  const path = profilePath(placement);
  const found = await digestAt(session, path);
  if (found.kind === 'absent') return null;
  const right = found.kind === 'file' && found.sha256 === placement.sha256;
  const target = right ? session.paths.quarantinedProfile(session.order.rotation, placement) : strayPath(session, placement, found);
  return moving(session, `${placement.folder}/${placement.fileName}`, [[path, target]], PROFILE_FOLDERS[placement.folder]);
}
