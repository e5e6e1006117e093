import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  arithmetic,
  lastAutomaticRollback,
  latestApproval,
  policyFits,
  rollbackTime,
  type MeshSize,
} from '../../../src/domain/rotation/timeline.js';
import { policies } from './arbitrary.js';

const sizes: fc.Arbitrary<MeshSize> = fc
  .record({
    waves: fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 5 }),
    maxUnavailable: fc.integer({ min: 1, max: 20 }),
  })
  .map(({ waves, maxUnavailable }) => ({ waves, maxUnavailable, nodes: waves.reduce((sum, wave) => sum + wave, 0) }));
const NOW = 1_800_000_000_000;

describe('the arithmetic of a rotation (R4, R6, invariant 9)', () => {
  it('is feasible exactly when the sum of its parts fits before the horizon, and to the millisecond', () => {
    fc.assert(
      fc.property(sizes, policies, (mesh, policy) => {
        const { needed, parts } = arithmetic(NOW, NOW, mesh, policy);
        expect(needed).toBe(parts.reduce((sum, part) => sum + part.duration, 0));
        expect(parts.every((part) => part.duration >= 0)).toBe(true);
        expect(arithmetic(NOW, NOW + needed, mesh, policy).feasible).toBe(true);
        expect(arithmetic(NOW, NOW + needed - 1, mesh, policy).feasible).toBe(false);
        expect(policyFits(needed, mesh, policy).feasible).toBe(true);
      }),
    );
  });

  it('leaves, where it is feasible, time for the whole gate before the latest approval', () => {
    fc.assert(
      fc.property(sizes, policies, fc.nat(1_000_000), (mesh, policy, spare) => {
        const { needed, parts } = arithmetic(NOW, NOW, mesh, policy);
        const horizon = NOW + needed + spare;
        const before = parts.slice(0, 3).reduce((sum, part) => sum + part.duration, 0);
        expect(parts.slice(0, 3).map((part) => part.name)).toEqual(['staging', 'canary', 'signoff at its longest']);
        expect(latestApproval(horizon, mesh, policy)).toBe(NOW + before + spare);
      }),
    );
  });

  it('keeps an approval at the last moment before the last automatic rollback, margin included', () => {
    fc.assert(
      fc.property(sizes, policies, (mesh, policy) => {
        const horizon = NOW + 1_000_000_000;
        const rollback = lastAutomaticRollback(horizon, mesh.nodes, mesh.maxUnavailable, policy);
        expect(latestApproval(horizon, mesh, policy)).toBeLessThanOrEqual(rollback - policy.rollback.safetyMargin);
        expect(rollback + rollbackTime(mesh.nodes, mesh.maxUnavailable, policy)).toBe(horizon);
      }),
    );
  });

  it('gives a rollback of more nodes never less time: ceil(switched / maxUnavailable) turns after the time that the head may take', () => {
    fc.assert(
      fc.property(fc.nat(1_000), fc.nat(100), fc.integer({ min: 1, max: 20 }), policies, (switched, more, at, policy) => {
        expect(rollbackTime(switched + more, at, policy)).toBeGreaterThanOrEqual(rollbackTime(switched, at, policy));
        expect(rollbackTime(switched, at, policy)).toBe(policy.rollback.headTime + Math.ceil(switched / at) * policy.rollback.nodeTime);
      }),
    );
  });
});
