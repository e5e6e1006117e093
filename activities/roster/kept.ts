import type { Configuration } from '../../src/configuration/load.js';
import { together, type KeptRosters } from '../../src/domain/adopted-rosters.js';
import { ResealError } from '../../src/domain/errors.js';
import { keptRosters } from '../../src/statement/adopted-rosters.js';
import { canonicalDigest } from '../../src/statement/person.js';
import type { ManifestStore } from '../manifest-store/contract.js';
import type { Surroundings } from '../rotation/surroundings.js';

/** The stores of the lines that there are, by name. */
export async function storesOfLines(
  around: Pick<Surroundings, 'store'>,
  { topology }: Pick<Configuration, 'topology'>,
): Promise<ReadonlyMap<string, ManifestStore>> {
  const found = new Map<string, ManifestStore>();
  for (const name of new Set(Object.values(topology.lines).map(({ store }) => store))) {
    const store = around.store(name);
    // One that nobody has begun has no manifest either: nothing passes a gate there.
    if (await store.isThere()) found.set(name, store);
  }
  return found;
}

/**
 * What these stores keep of adopted rosters, taken together: one that was away when somebody adopted lags behind.
 * @throws ResealError STORE_UNREACHABLE; REFUSED where two of them keep rosters of which one cannot follow the other
 */
export async function rostersIn(stores: ReadonlyMap<string, ManifestStore>, installation: string): Promise<KeptRosters> {
  let all: KeptRosters = { schemaVersion: 1, installation, steps: [] };
  for (const [name, store] of stores) all = mergedWith(all, keptRosters(await store.rosters(installation), installation), name);
  return all;
}

/** @throws ResealError REFUSED */
export function mergedWith(all: KeptRosters, kept: KeptRosters, name: string): KeptRosters {
  const merged = together(all, kept, canonicalDigest);
  if (merged !== null) return merged;
  throw new ResealError(
    'REFUSED',
    `The store ${name} keeps adopted rosters that are not those of the other stores: somebody has put one in another's place. Nothing was adopted. Find out who wrote it, and bring rosters/${kept.installation}.json back from the history of that store.`,
  );
}
