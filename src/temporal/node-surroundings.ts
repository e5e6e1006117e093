import { openDeclaredStore } from '../../activities/manifest-store/declared.js';
import type { OpenStore } from '../../activities/manifest-store/contract.js';
import type { ContentStore } from '../../activities/node/frozen-contents.js';
import type { Surroundings } from '../../activities/rotation/surroundings.js';
import { VerifiedProfiles } from '../profile/index.js';
import { trustedRoots } from '../profile/trusted-roots.js';
import { configurationReader } from './configuration-reader.js';
import { contentOf } from './content-of-stores.js';

/** What serves nodes needs of the world outside. No profile sources: an idle agent would hold what reads them for nothing (docs/benchmarks.md). */
export interface NodeSurroundings extends Pick<Surroundings, 'configuration' | 'profiles'> {
  readonly content: ContentStore;
  close(): Promise<void>;
}

export interface OpenNodeSurroundings extends NodeSurroundings {
  /** Of reseal.yaml, by name. */
  readonly stores: ReadonlyMap<string, OpenStore>;
}

/**
 * Stores of a configuration folder; configuration itself is read anew whenever it is asked for.
 * @param home where stores by URL have their clones
 */
export async function openNodeSurroundings(folder: string, home: string): Promise<OpenNodeSurroundings> {
  const read = configurationReader(folder);
  const configuration = read();
  const stores = new Map<string, OpenStore>();
  for (const name of Object.keys(configuration.reseal.stores)) stores.set(name, await openDeclaredStore(configuration.reseal, name, home));
  return {
    configuration: read,
    profiles: new VerifiedProfiles({ roots: trustedRoots(configuration) }),
    content: contentOf([...stores.values()]),
    stores,
    close: async () => {
      for (const store of stores.values()) await store.close();
    },
  };
}
