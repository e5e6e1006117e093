import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { NodeName, Sha1 } from '../../domain/brands.js';
import { isDedicated, keychainName, keychainOf } from '../../domain/node/identities.js';
import { Security, type Said } from '../../mac/security.js';
import { LocalNode } from '../../node-shell/local.js';
import { macState } from '../mac/state.js';

/** For one command of a simulated Mac, in milliseconds. */
const PATIENCE = 20_000;

/** What a simulated node's own `security` says of the keys on it. */
export interface KeyPlaces {
  /** Valid identities in keychains of the search list; out of a locked one nothing is signed until it is unlocked. */
  readonly usable: readonly { readonly identity: Sha1; readonly keychain: string; readonly locked: boolean }[];
  /** Keychains that reseal made and that are off the search list: kept for a rollback. */
  readonly shelved: readonly string[];
}

/** Asks a node; null where it is nothing but files. @throws Error where its `security` does not answer */
export async function keyPlaces(node: NodeName, home: string): Promise<KeyPlaces | null> {
  if (!existsSync(join(macState(home).bin, 'security'))) return null;
  const security = new Security(new LocalNode(node, home), PATIENCE);
  const identities = answered(node, await security.identities());
  const listed = new Set(answered(node, await security.searchList()).map(keychainName));
  const own = readdirSync(macState(home).keychains).filter(isDedicated);
  const usable: KeyPlaces['usable'][number][] = [];
  for (const { sha1 } of identities.valid.filter((row) => row.annotation === null)) {
    const keychain = keychainOf(sha1);
    const found = answered(node, await security.keychain(keychain));
    usable.push({ identity: sha1, keychain, locked: found.state !== 'unlocked' });
  }
  return { usable, shelved: own.filter((name) => !listed.has(name)).sort() };
}

function answered<T>(node: NodeName, said: Said<T>): T {
  if ('answer' in said) return said.answer;
  throw new Error(`${node}: ${said.reason}`);
}
