import type { PersonId, Sha256 } from '../../../src/domain/brands.js';
import type { Plan } from '../../../src/domain/rotation/state.js';

export const sha = (digit: string): Sha256 => digit.repeat(64) as Sha256;

/** What preflight froze, from manifest `aaa…` to `bbb…`; waves, horizon and whatever else a test is about are its own. */
export function planOf(more: Pick<Plan, 'waves' | 'horizon'> & Partial<Plan>): Plan {
  return {
    kind: 'profile',
    fromSeq: 1,
    from: sha('a'),
    to: sha('b'),
    topology: sha('c'),
    policyDigest: sha('d'),
    cohorts: sha('e'),
    nodes: more.waves.reduce((sum, nodes) => sum + nodes, 0),
    maxUnavailable: 1,
    eligible: ['ada', 'grace'] as PersonId[],
    importers: [],
    summary: [],
    ...more,
  };
}
