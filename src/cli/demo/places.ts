import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { NodeDeclaration } from '../../domain/topology.js';
import type { Pen } from '../../presenters/rotation-text.js';
import { keyPlaces } from '../../simulator/mesh/key-places.js';
import { ROOT_FOLDERS } from './paths.js';

/** Where keys and profiles are, read off one node. */
export interface Place {
  readonly node: string;
  readonly roles: readonly string[];
  readonly keys: 'allowed' | 'forbidden';
  /** Profile files that Xcode 16 reads. */
  readonly profiles: number;
  /** Keychains by the identity that signs out of them, once they are unlocked. */
  readonly signsWith: readonly { readonly identity: string; readonly keychain: string; readonly locked: boolean }[];
  /** Keychains off the search list, kept for a rollback. */
  readonly shelved: readonly string[];
}

export async function readPlaces(nodes: readonly NodeDeclaration[], nodesFolder: string): Promise<readonly Place[]> {
  return Promise.all(
    nodes.map(async (node) => {
      const home = join(nodesFolder, node.name);
      const places = await keyPlaces(node.name, home);
      const profiles = join(home, ROOT_FOLDERS.xcode16);
      return {
        node: node.name,
        roles: node.roles,
        keys: node.keys,
        profiles: existsSync(profiles) ? readdirSync(profiles).filter((name) => name.endsWith('.mobileprovision')).length : 0,
        signsWith: places?.usable ?? [],
        shelved: places?.shelved ?? [],
      };
    }),
  );
}

/** A row per node: which identity is where. */
export const placesText = (places: readonly Place[], pen: Pen): string[] =>
  pen.table(
    ['NODE', 'ROLES', 'KEYS', 'PROFILES', 'SIGNS WITH', 'OUT OF', 'KEPT, OFF THE SEARCH LIST'],
    places.map((place) => [
      place.node,
      place.roles.join(', '),
      place.keys,
      place.profiles === 0 ? '-' : String(place.profiles),
      place.signsWith.map(({ identity }) => identity.slice(0, 8)).join(', ') || '-',
      place.signsWith.map(({ keychain, locked }) => `${keychain}${locked ? ' (locked)' : ''}`).join(', ') || '-',
      place.shelved.join(', ') || '-',
    ]),
  );
