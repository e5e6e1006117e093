import fc from 'fast-check';
import type { LineName, NodeName } from '../../../src/domain/brands.js';
import type { Policy, Share } from '../../../src/domain/policy.js';
import type { NodeDeclaration } from '../../../src/domain/topology.js';
import { MODEL_POLICY } from '../../exploration/policy.js';

export const shares: fc.Arbitrary<Share> = fc.oneof(
  fc.integer({ min: 1, max: 100 }).map((percent) => ({ percent })),
  fc.integer({ min: 1, max: 50 }).map((count) => ({ count })),
);

/** Policies that differ in what cohorts and the timeline go by. */
export const policies: fc.Arbitrary<Policy> = fc
  .record({
    perImage: fc.integer({ min: 0, max: 3 }),
    canary: shares,
    waves: fc.array(shares, { minLength: 1, maxLength: 4 }),
    maxUnavailable: shares,
    durations: fc.array(fc.integer({ min: 0, max: 1_000_000 }), { minLength: 6, maxLength: 6 }),
    passes: fc.integer({ min: 1, max: 5 }),
    stepNodes: fc.integer({ min: 1, max: 100 }),
  })
  .map(
    ({
      perImage,
      canary,
      waves,
      maxUnavailable,
      durations: [interval = 0, soak = 0, gate = 0, build = 0, node = 0, margin = 0],
      passes,
      stepNodes,
    }) => ({
      ...MODEL_POLICY,
      cohorts: { ...MODEL_POLICY.cohorts, canary: { perImage, share: canary }, waves, maxUnavailable },
      probe: { ...MODEL_POLICY.probe, interval, passes },
      soak: { ...MODEL_POLICY.soak, duration: soak },
      gate: { ...MODEL_POLICY.gate, timeout: gate },
      retirement: { ...MODEL_POLICY.retirement, maxBuildDuration: build },
      rollback: { ...MODEL_POLICY.rollback, nodeTime: node, safetyMargin: margin },
      limits: { ...MODEL_POLICY.limits, stepNodes },
    }),
  );

/** Meshes over a few regions, pools, roles and images. */
export const meshes: fc.Arbitrary<readonly NodeDeclaration[]> = fc
  .array(
    fc.record({
      region: fc.constantFrom('eu', 'us', 'ap'),
      pool: fc.constantFrom('main', 'qa'),
      role: fc.constantFrom('signer' as const, 'compile' as const),
      image: fc.constantFrom('a', 'b', 'c'),
    }),
    { minLength: 1, maxLength: 120 },
  )
  .map((nodes) =>
    nodes.map(({ region, pool, role, image }, index): NodeDeclaration => ({
      name: `n${String(index).padStart(3, '0')}` as NodeName,
      region,
      environment: 'simulated',
      lines: ['ios-main' as LineName],
      pool,
      roles: [role],
      keys: role === 'signer' ? 'allowed' : 'forbidden',
      image,
      profileFolders: ['xcode16', 'legacy'],
      mount: '/usr/local/var/reseal/mount',
      state: '/usr/local/var/reseal/state',
      hardware: 'mac-mini',
      reach: { kind: 'agent' },
    })),
  );
