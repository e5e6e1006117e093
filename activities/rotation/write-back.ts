import type { RotationId } from '../../src/domain/brands.js';
import type { ManifestEntry } from '../../src/domain/manifest.js';
import { entryKey } from '../../src/domain/manifest-rules.js';
import type { NotTaken, WriteBackRequest, WrittenBack } from '../../src/domain/write-back.js';
import type { ManifestStore } from '../manifest-store/contract.js';
import type { ProfileSource, Succession } from '../profile-source/contract.js';
import type { ClosingRecord } from './contract.js';
import { headOf, manifestOf, situationOf, type Surroundings } from './surroundings.js';

/** How many earlier rotations of the line are looked at for what a successor may have to replace. */
const EARLIER = 10;

/**
 * Tells sources that others read of the successors of a completed rotation, as far as they are in force. Not before it has completed: whoever reads them
 * would otherwise have what the mesh has yet to prove. Repeated it writes nothing twice; a source that cannot take them, for whatever reason, is an answer.
 */
export async function writeBackSuccessors(around: Surroundings, request: WriteBackRequest): Promise<WrittenBack> {
  const { line, id, ticket } = request;
  const { declaration, store } = situationOf(around, line);
  const { takers, notTaken } = takersOf(around, declaration.sources);
  if (takers.length === 0) return { taken: [], notTaken, rest: 'none' };
  const { successions, rest } = await successionsOf(store, request);
  if (successions.length === 0) return { taken: [], notTaken, rest };
  const taken: string[] = [];
  for (const { name, writeBack } of takers) {
    try {
      await writeBack(successions, { rotation: id, ticket });
      taken.push(name);
    } catch (error) {
      notTaken.push({ source: name, reason: reasonOf(error) });
    }
  }
  return { taken, notTaken, rest };
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** A source that cannot even be opened keeps no other one from being told. */
function takersOf(
  around: Surroundings,
  names: readonly string[],
): {
  readonly takers: readonly (Pick<ProfileSource, 'name'> & Required<Pick<ProfileSource, 'writeBack'>>)[];
  readonly notTaken: NotTaken[];
} {
  const notTaken: NotTaken[] = [];
  const takers = names.flatMap((name) => {
    try {
      const { writeBack } = around.source(name);
      return writeBack === undefined ? [] : [{ name, writeBack }];
    } catch (error) {
      notTaken.push({ source: name, reason: reasonOf(error) });
      return [];
    }
  });
  return { takers, notTaken };
}

/** What has come with the rotation and is in force on the line, with all that it may find in its place. */
async function successionsOf(
  store: ManifestStore,
  { line, id, from, to }: WriteBackRequest,
): Promise<{ readonly successions: readonly Succession[]; readonly rest: WrittenBack['rest'] }> {
  const [before, after, { manifest: now }] = await Promise.all([manifestOf(store, from), manifestOf(store, to), headOf(store, line)]);
  const [predecessors, inForce] = [byKey(before.profiles), byKey(now.profiles)];
  const records = await store.records(line);
  const own = records.indexOf(id);
  const [earlier, later] = own < 0 ? [records, []] : [records.slice(0, own), records.slice(own + 1)];
  const replaced = await ancestors(store, earlier);
  const successions: Succession[] = [];
  let notInForce = 0;
  for (const entry of after.profiles) {
    const key = entryKey(entry);
    const predecessor = predecessors.get(key);
    const { sha256 } = entry.profile;
    // match has one profile for a bundle id, whoever holds it.
    if (predecessor === undefined || predecessor.profile.sha256 === sha256 || entry.holder !== undefined || entry.variant !== undefined)
      continue;
    if (inForce.get(key)?.profile.sha256 !== sha256) {
      notInForce += 1;
      continue;
    }
    const others = (replaced.get(key) ?? []).filter((one) => one.profile.sha256 !== sha256);
    successions.push({ bytes: await store.profile(sha256), predecessors: [predecessor, ...others] });
  }
  if (notInForce === 0) return { successions, rest: 'none' };
  return { successions, rest: (await isReplaced(store, id, later)) ? 'never' : 'later' };
}

const byKey = (entries: readonly ManifestEntry[]): ReadonlyMap<string, ManifestEntry> =>
  new Map(entries.map((entry) => [entryKey(entry), entry]));

/** What earlier rotations of the line replaced and brought, the newest first: a source that was away then still has it. */
async function ancestors(store: ManifestStore, records: readonly string[]): Promise<ReadonlyMap<string, readonly ManifestEntry[]>> {
  const found = new Map<string, ManifestEntry[]>();
  for (const id of records.slice(-EARLIER).reverse()) {
    const record = (await store.record(id)) as ClosingRecord | null;
    const plan = record?.state.phase === 'completed' ? record.state.plan : null;
    if (plan === null) continue;
    for (const digest of [plan.to, plan.from])
      for (const entry of (await manifestOf(store, digest)).profiles) {
        const key = entryKey(entry);
        found.set(key, [...(found.get(key) ?? []), entry]);
      }
  }
  return found;
}

/** Whether a later rotation has completed, or has undone this one. */
async function isReplaced(store: ManifestStore, id: RotationId, later: readonly string[]): Promise<boolean> {
  for (const one of later) {
    const record = (await store.record(one)) as ClosingRecord | null;
    if (record?.state.phase === 'completed' || (record?.state.undoes === id && record.state.phase === 'rolled-back')) return true;
  }
  return false;
}
