import type { PurgeResult } from '../domain/node/purge.js';

export interface NodePurgeView extends PurgeResult {
  readonly schemaVersion: 1;
  readonly node: string;
}

export function purgeText({ node, purged, kept }: NodePurgeView): readonly string[] {
  if (purged.length + kept.length === 0) return [`${node} has no keychains that reseal made.`];
  return [
    ...purged.map((identity) => `${node}: destroyed the keychain of ${identity.slice(0, 8)}`),
    ...kept.map(({ identity, reason }) => `${node}: kept the keychain of ${identity.slice(0, 8)}: ${reason}`),
  ];
}
