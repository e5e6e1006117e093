import { ResealError } from '../domain/errors.js';
import type { ContentStore } from '../../activities/node/frozen-contents.js';

/**
 * Content by digest out of any of these stores: a node may follow lines of several, and an order names digests only. A store that is out
 * of reach might be the one that has it: then that is the answer, never that the content is not there.
 */
export function contentOf(stores: readonly ContentStore[]): ContentStore {
  const first = async <T>(read: (store: ContentStore) => Promise<T>): Promise<T> => {
    const failures: Error[] = [];
    for (const store of stores) {
      try {
        return await read(store);
      } catch (error) {
        failures.push(error instanceof Error ? error : new Error(String(error)));
      }
    }
    throw failures.find((error) => !isNotFound(error)) ?? failures[0] ?? new ResealError('CONFIG_INVALID', 'reseal.yaml has no store.');
  };
  const there = async <T>(read: (store: ContentStore) => Promise<T | null>): Promise<T | null> => {
    const failures: unknown[] = [];
    for (const store of stores) {
      const found = await read(store).catch((error: unknown) => void failures.push(error));
      if (found) return found;
    }
    if (failures.length > 0) throw failures[0];
    return null;
  };
  const furthest = async (read: (store: ContentStore) => Promise<unknown>): Promise<unknown> => {
    const found = await Promise.allSettled(stores.map(read));
    const answers = found.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    const failed = found.find((one) => one.status === 'rejected');
    if (answers.length === 0 && failed !== undefined) throw failed.reason;
    return answers.reduce((most, one) => (stepsIn(one) > stepsIn(most) ? one : most), null);
  };
  return {
    manifest: (digest) => first((store) => store.manifest(digest)),
    profile: (digest) => first((store) => store.profile(digest)),
    frozen: (digest) => first((store) => store.frozen(digest)),
    sealedIdentity: (sealed) => there((store) => store.sealedIdentity(sealed)),
    approvals: (manifest) => there((store) => store.approvals(manifest)),
    // One that was away when somebody adopted a roster lags behind.
    rosters: (installation) => furthest((store) => store.rosters(installation)),
  };
}

const isNotFound = (error: unknown): boolean => error instanceof ResealError && error.code === 'NOT_FOUND';

const stepsIn = (rosters: unknown): number => {
  const steps = (rosters as { readonly steps?: unknown } | null)?.steps;
  return Array.isArray(steps) ? steps.length : 0;
};
