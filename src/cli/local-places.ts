import type { Configuration } from '../configuration/load.js';
import type { Place } from '../domain/topology-review/review.js';

/** Stores and sources on this machine; what is reached by an address is not judged. */
export function localPlaces({ reseal }: Pick<Configuration, 'reseal'>): readonly Place[] {
  const stores = Object.entries(reseal.stores).flatMap(([name, store]): Place[] =>
    store.kind === 'git' ? [{ kind: 'store', name, path: store.url }] : [],
  );
  const sources = Object.entries(reseal.sources).flatMap(([name, source]): Place[] =>
    source.kind === 'app-store-connect' ? [] : [{ kind: 'source', name, path: source.kind === 'drop' ? source.path : source.url }],
  );
  return [...stores, ...sources].filter(({ path }) => path.startsWith('/'));
}
