import { clonesFolder } from '../../activities/git/clone.js';
import { KeptSources } from '../../activities/profile-source/kept.js';
import type { Surroundings } from '../../activities/rotation/surroundings.js';
import { ResealError } from '../domain/errors.js';
import { openNodeSurroundings, type NodeSurroundings } from './node-surroundings.js';

export interface OpenSurroundings extends Omit<Surroundings, 'content'>, NodeSurroundings {
  /** Why stores cannot be used now, each in a sentence; empty when all can. */
  storeTroubles(): Promise<readonly string[]>;
}

/**
 * Stores and sources of a configuration folder; configuration itself is read anew whenever it is asked for.
 * @param home where stores and sources by URL have their clones
 */
export async function openSurroundings(folder: string, home: string): Promise<OpenSurroundings> {
  const { stores, ...nodes } = await openNodeSurroundings(folder, home);
  const clones = clonesFolder(home);
  const sources = new KeptSources();
  return {
    ...nodes,
    store: (name) => named(stores.get(name), 'store', name),
    source: (name) => {
      const { reseal, topology } = nodes.configuration();
      const holders = topology.nodes.map((node) => node.name);
      return sources.source(reseal, name, { clones, profiles: nodes.profiles, holders, environment: process.env });
    },
    sealKey: async () => (nodes.configuration().reseal.orders === undefined ? 'none' : 'elsewhere'),
    clock: Date.now,
    storeTroubles: async () => {
      const troubles = await Promise.all([...stores.values()].map((store) => store.trouble()));
      return troubles.flatMap((trouble) => (trouble === null ? [] : [trouble.message]));
    },
  };
}

function named<T>(found: T | undefined, what: string, name: string): T {
  if (found === undefined) throw new ResealError('CONFIG_INVALID', `reseal.yaml has no ${what} ${name}.`);
  return found;
}
