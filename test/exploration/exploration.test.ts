import { expect, it } from 'vitest';
import { neverReached } from './coverage.js';
import { explore, SMALL_MESHES, type Explored } from './explore.js';

const explored: Explored[] = [];

it.each(SMALL_MESHES.map((limits) => ({ limits, name: JSON.stringify(limits) })))(
  'no fault and no command breaks an invariant, in any order and at any position: $name (invariants 1 to 10)',
  { timeout: 240_000 },
  ({ limits }) => {
    const found = explore(limits);
    explored.push(found);
    expect(found.violation).toBeNull();
    // An exploration that ends early proves nothing.
    expect(found.states).toBeGreaterThan(limits.faults === 0 ? 1_000 : 20_000);
    expect(found.transitions).toBeGreaterThan(found.states);
    for (const end of ['completed', 'rolled-back', 'parked', 'cancelled']) expect(found.ends[end], end).toBeGreaterThan(0);
  },
);

/** Commands too, but some have a meaning only where there are faults on two nodes: `npm run explore` fails where one is accepted nowhere. */
it('every phase is met', () => {
  expect(neverReached(explored).phases).toEqual([]);
});
