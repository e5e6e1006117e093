import { posix } from 'node:path';
import type { Instant, Sha256 } from '../../src/domain/brands.js';
import { ResealError } from '../../src/domain/errors.js';
import type { NodeOrder } from '../../src/domain/node/order.js';
import type { NodeFiles, NodePath } from '../../src/node-shell/contract.js';
import { withLock } from '../../src/node-shell/lock.js';
import type { Effect } from './effect.js';
import { AdmittedAttempt } from './fence.js';
import type { JournalSubject } from './journal.js';
import { activate, digestAt, quarantineManifest, putManifest } from './manifest-effects.js';
import { manifestProblems } from './manifest-problems.js';
import type { Publisher, Volume, WritingSession } from './session.js';

/** A session of a line with a published volume. */
type OnVolume = WritingSession & { readonly volume: Volume };

/**
 * Admits an order on the node's lane at the publisher: from now on an attempt that the node has already seen overtaken moves nothing on the volume
 * either, even where it has lost its way to the node and not the one to the publisher.
 * @throws ResealError STALE_EPOCH, ORDER_EXPIRED, NODE_UNREACHABLE naming the publisher
 */
export async function enterVolume(
  publisher: Publisher,
  order: NodeOrder,
  attempt: number,
  clock: () => Instant,
  operation: JournalSubject,
): Promise<Volume> {
  const { files, paths } = publisher;
  await files.reach();
  return AdmittedAttempt.admit(files, paths.lane, order, attempt, clock, operation, async (admitted) => {
    await admitted.journal.pause();
    return { ...publisher, attempt: admitted };
  });
}

/** The result of the whole operation in the lane's journal, as in the node's own. */
export const leaveVolume = ({ attempt }: Volume, operation: JournalSubject, changed: boolean): Promise<void> =>
  attempt.hold(() => attempt.journal.finish(operation, changed));

/** The session as the publisher has the line, for reading: what is published is true there, and at most as old as `cacheTime` on a mount. */
export const published = (session: WritingSession): WritingSession =>
  session.volume === null ? session : { ...session, files: session.volume.files, paths: session.volume.paths };

/** Brings a manifest to the volume, unless another node's order has, and notes that this node needs it. */
export async function publishManifest(session: OnVolume, manifest: Sha256): Promise<Effect | null> {
  const { files, paths } = session.volume;
  const there = (await files.exists(paths.need(manifest))) && (await manifestProblems(published(session), manifest)).length === 0;
  return there ? null : onLane(session, { do: 'put-manifest', subject: manifest }, (lane) => need(lane, manifest));
}

/** Moves this node's pointer. What it points to is needed from then on, so it is noted first, and looked at after that. */
export async function movePointer(session: OnVolume, manifest: Sha256): Promise<Effect | null> {
  const { files, paths } = session.volume;
  const [noted, pointer] = await Promise.all([files.exists(paths.need(manifest)), digestAt(published(session), paths.active)]);
  if (noted && pointer.kind === 'file' && pointer.sha256 === manifest) return null;
  return onLane(session, { do: 'activate', subject: manifest }, async (lane) => {
    await need(lane, manifest);
    await carryOut(lane, await activate(lane, manifest));
  });
}

/** This node needs a manifest no longer; it leaves the volume with the last one that did. */
export async function releaseManifest(session: OnVolume, manifest: Sha256): Promise<Effect | null> {
  const { files, paths } = session.volume;
  const leaving = await quarantineManifest(published(session), manifest);
  const last = leaving !== null && (await files.list(paths.needed(manifest))).length === 0;
  if (!last && !(await files.exists(paths.need(manifest)))) return null;
  return onLane(session, { do: 'quarantine-manifest', subject: manifest }, (lane) => release(lane, manifest));
}

/** Runs work at the publisher under the lane's lock; before every change both the node and the publisher are asked whether the order still holds. */
function onLane(session: OnVolume, step: JournalSubject, work: (lane: OnVolume) => Promise<void>): Effect {
  const { attempt } = session.volume;
  return {
    subject: step.subject,
    folders: [],
    touched: [],
    prepare: async () => undefined,
    apply: () =>
      attempt.hold(async (held) => {
        const both = {
          check: async () => {
            await held.check();
            await session.held.check();
          },
        };
        await both.check();
        await attempt.journal.intend([step]);
        await work({ ...session, files: session.volume.files, paths: session.volume.paths, held: both });
        await attempt.journal.finish(step, true);
      }),
    discard: async () => undefined,
  };
}

/**
 * Notes that the node needs a manifest, and sees to it that it is there. The note is a link in a folder of the manifest's own: as long as the
 * folder is there the manifest is, and while it has links it cannot be removed. So one that is published already needs no lock that nodes share.
 */
async function need(lane: OnVolume, manifest: Sha256): Promise<void> {
  const { files, paths } = lane.volume;
  const isThere = async (): Promise<boolean> =>
    (await files.exists(paths.needed(manifest))) && (await noted(lane, manifest)) && (await manifestProblems(lane, manifest)).length === 0;
  await oneForAll(lane, manifest, isThere, async () => {
    await lane.held.check();
    await makeFolder(files, paths.needed(manifest));
    await note(lane, manifest);
    await carryOut(lane, await putManifest(lane, manifest));
    const [problem] = await manifestProblems(lane, manifest);
    if (problem !== undefined)
      throw new ResealError('READ_BACK_FAILED', `Node ${files.node}, for ${lane.node.name}: ${problem}. Look for what else writes there.`);
  });
}

/** Whether the note could be made; not where the folder was removed in this very moment. */
async function noted(lane: OnVolume, manifest: Sha256): Promise<boolean> {
  try {
    await note(lane, manifest);
    return true;
  } catch (error) {
    if (error instanceof ResealError && error.code === 'NODE_WRITE_FAILED') return false;
    throw error;
  }
}

async function note(lane: OnVolume, manifest: Sha256): Promise<void> {
  const { files, paths } = lane.volume;
  await lane.held.check();
  await files.createNote(paths.need(manifest), lane.order.rotation);
  await files.syncFolders([paths.needed(manifest)]);
}

async function release(lane: OnVolume, manifest: Sha256): Promise<void> {
  const { files, paths } = lane.volume;
  const needed = paths.needed(manifest);
  await lane.held.check();
  await files.remove(paths.need(manifest));
  if (await files.exists(needed)) await files.syncFolders([needed]);
  const isDone = async (): Promise<boolean> =>
    (await files.list(needed)).length > 0 || (!(await files.exists(needed)) && (await quarantineManifest(lane, manifest)) === null);
  await oneForAll(lane, manifest, isDone, async () => {
    await lane.held.check();
    await files.removeEmptyFolder(needed);
    // Somebody has noted a need since.
    if (await files.exists(needed)) return;
    if (await isPointedAt(lane, manifest)) return;
    await carryOut(lane, await quarantineManifest(lane, manifest));
  });
}

/** Who brings a manifest to a volume now or takes it away, in this process; settled when that has ended, however it did. */
const atWork = new Map<string, Promise<unknown>>();

/**
 * Does what nodes share, under the volume's lock. Of the nodes of this process one does it for all: who waited looks first, and mostly finds it
 * done. A hundred nodes that took the lock one after the other would be too much for the patience of another worker.
 */
async function oneForAll(
  { volume: { files, paths } }: OnVolume,
  manifest: Sha256,
  isDone: () => Promise<boolean>,
  work: () => Promise<void>,
): Promise<void> {
  const key = files.resolve(paths.needed(manifest));
  while (!(await isDone())) {
    const other = atWork.get(key);
    if (other === undefined) {
      const mine = withLock(files, paths.lock, work);
      const settled = mine.catch(() => undefined);
      atWork.set(key, settled);
      return mine.finally(() => {
        if (atWork.get(key) === settled) atWork.delete(key);
      });
    }
    await other;
  }
}

/** Whether any node's pointer names it, whatever the notes say: a volume is never emptied under a reader. */
async function isPointedAt(lane: OnVolume, manifest: Sha256): Promise<boolean> {
  const { files, paths } = lane.volume;
  const pointers = posix.dirname(posix.dirname(paths.active));
  const nodes = await files.list(pointers);
  const found = await files.digests(nodes.map((node) => `${pointers}/${node}/profiles.json`));
  return found.some((one) => one.kind === 'file' && one.sha256 === manifest);
}

/** An effect at the publisher, whole: its intent is in the lane's journal. */
async function carryOut({ volume: { files } }: OnVolume, effect: Effect | null): Promise<void> {
  if (effect === null) return;
  for (const folder of effect.folders) await makeFolder(files, folder);
  try {
    await effect.prepare();
    await effect.apply();
    await files.syncFolders(effect.touched);
  } finally {
    await effect.discard();
  }
}

async function makeFolder(files: NodeFiles, folder: NodePath): Promise<void> {
  const missing = await files.missingFolders(folder);
  for (const one of missing) await files.makeFolder(one);
  await files.syncFolders(missing.map((one) => posix.dirname(one)));
}
