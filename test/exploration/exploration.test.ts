import { expect, it } from 'vitest';
import { neverReached } from './coverage.js';
import { explore, SMALL_EMERGENCIES, SMALL_MESHES, type Explored } from './explore.js';

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

it.each(SMALL_EMERGENCIES.map((limits) => ({ limits, name: JSON.stringify(limits) })))(
  'no fault and no command turns an emergency back, or lets it begin for one person: $name (R11)',
  { timeout: 240_000 },
  ({ limits }) => {
    const found = explore(limits);
    expect(found.violation).toBeNull();
    expect(found.states).toBeGreaterThan(limits.faults === 0 ? 200 : 2_000);
    for (const end of ['completed', 'cancelled', 'partial']) expect(found.ends[end], end).toBeGreaterThan(0);
    for (const phase of ['rolling-back', 'rolled-back', 'parked', 'awaiting-retirement'])
      expect(found.phases.has(phase), phase).toBe(false);
  },
);

/** Commands too, but some have a meaning only where there are faults on two nodes: `npm run explore` fails where one is accepted nowhere. */
it('every phase is met', () => {
  expect(neverReached(explored).phases).toEqual([]);
});
