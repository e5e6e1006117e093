import type { Configuration } from '../configuration/load.js';
import type { Place } from '../domain/topology-review/review.js';

/** Stores and sources on this machine; what is reached by an address is not judged. */
export function localPlaces({ reseal }: Pick<Configuration, 'reseal'>): readonly Place[] {
  const stores = Object.entries(reseal.stores).map(([name, { url }]): Place => ({ kind: 'store', name, path: url }));
  const sources = Object.entries(reseal.sources).map(([name, { path }]): Place => ({ kind: 'source', name, path }));
  return [...stores, ...sources].filter(({ path }) => path.startsWith('/'));
}
