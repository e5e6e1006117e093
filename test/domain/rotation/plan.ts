import type { PersonId, RotationId, Sha256 } from '../../../src/domain/brands.js';
import type { Authority, Gate, Plan } from '../../../src/domain/rotation/state.js';

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

/** What a gate was opened with. */
export const OPENED_WITH: Pick<Gate, 'nonce' | 'roster' | 'canaryReport' | 'canary'> = {
  nonce: 'nonce-1',
  roster: sha('1'),
  canaryReport: sha('2'),
  canary: { rotation: 'ios-main-1' as RotationId, epoch: 1_000, nodes: 1, passes: 3, lastSwitchAt: null, standIns: [], troubles: [] },
};

/** Every node is simulated, and nobody has a key. */
export const BY_NAME: Authority = { installation: 'acme-demo', mode: 'production', assurance: 'name', keys: {} };
