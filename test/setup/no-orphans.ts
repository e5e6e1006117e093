import type { Orphans } from '../../activities/rotation/orphans.js';

/** Where every rotation has a workflow that drives it. */
export const NO_ORPHANS: Orphans = {
  on: () => Promise.resolve(null),
  leftBehind: () => Promise.reject(new Error('nothing is orphaned here')),
};
