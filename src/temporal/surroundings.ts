import { clonesFolder } from '../../activities/git/clone.js';
import { openDeclaredStore } from '../../activities/manifest-store/declared.js';
import type { OpenStore } from '../../activities/manifest-store/contract.js';
import type { ContentStore } from '../../activities/node/frozen-contents.js';
import { KeptSources } from '../../activities/profile-source/kept.js';
import type { Surroundings } from '../../activities/rotation/surroundings.js';
import { ResealError } from '../domain/errors.js';
import { VerifiedProfiles } from '../profile/index.js';
import { trustedRoots } from '../profile/trusted-roots.js';
import { configurationReader } from './configuration-reader.js';
import { contentOf } from './content-of-stores.js';

export interface OpenSurroundings extends Surroundings {
  readonly content: ContentStore;
  /** Why stores cannot be used now, each in a sentence; empty when all can. */
  storeTroubles(): Promise<readonly string[]>;
  close(): Promise<void>;
}

/**
 * Stores and sources of a configuration folder; configuration itself is read anew whenever it is asked for.
 * @param home where stores and sources by URL have their clones
 */
export async function openSurroundings(folder: string, home: string): Promise<OpenSurroundings> {
  const read = configurationReader(folder);
  const configuration = read();
  const profiles = new VerifiedProfiles({ roots: trustedRoots(configuration) });
  const stores = new Map<string, OpenStore>();
  for (const name of Object.keys(configuration.reseal.stores)) stores.set(name, await openDeclaredStore(configuration.reseal, name, home));
  const clones = clonesFolder(home);
  const sources = new KeptSources();
  return {
    configuration: read,
    store: (name) => named(stores.get(name), 'store', name),
    content: contentOf([...stores.values()]),
    source: (name) => {
      const { reseal, topology } = read();
      return sources.source(reseal, name, { clones, profiles, holders: topology.nodes.map((node) => node.name), environment: process.env });
    },
    profiles,
    clock: Date.now,
    storeTroubles: async () => {
      const troubles = await Promise.all([...stores.values()].map((store) => store.trouble()));
      return troubles.flatMap((trouble) => (trouble === null ? [] : [trouble.message]));
    },
    close: async () => {
      for (const store of stores.values()) await store.close();
    },
  };
}

function named<T>(found: T | undefined, what: string, name: string): T {
  if (found === undefined) throw new ResealError('CONFIG_INVALID', `reseal.yaml has no ${what} ${name}.`);
  return found;
}
