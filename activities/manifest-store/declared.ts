import { join } from 'node:path';
import { ResealError } from '../../src/domain/errors.js';
import type { ResealConfiguration } from '../../src/schema/reseal.js';
import { clonesFolder } from '../git/clone.js';
import { BucketManifestStore } from './bucket/store.js';
import type { OpenStore } from './contract.js';
import { GitManifestStore } from './git.js';

/** Where this machine keeps what it has read and seen of buckets. */
export const bucketsFolder = (home: string): string => join(home, 'buckets');

/**
 * A store of reseal.yaml. @param home of the reseal that opens it, where a store by URL has its clone, and a bucket what was read of it
 * @throws ResealError CONFIG_INVALID where reseal.yaml has no store of that name
 */
export async function openDeclaredStore(
  { stores, ssh }: Pick<ResealConfiguration, 'stores' | 'ssh'>,
  name: string,
  home: string,
): Promise<OpenStore> {
  const store = stores[name];
  if (store === undefined) throw new ResealError('CONFIG_INVALID', `reseal.yaml has no store ${name}.`);
  switch (store.kind) {
    case 'git': {
      const { url, branch, timeout } = store;
      return GitManifestStore.open({ name, path: url, branch, remote: { clones: clonesFolder(home), timeout, ssh } });
    }
    case 'bucket': {
      const { kind: _kind, addressing = store.endpoint === null ? 'host' : 'path', ...place } = store;
      return BucketManifestStore.open({ name, ...place, addressing, kept: bucketsFolder(home) });
    }
  }
}
