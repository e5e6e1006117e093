import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maxUnavailable, planCohorts, shareOf } from '../../../src/domain/rotation/cohorts.js';
import type { NodeDeclaration } from '../../../src/domain/topology.js';
import { meshes, policies, shares } from './arbitrary.js';

const groupOf = (node: NodeDeclaration): string => `${node.pool} ${node.roles.join()}`;
const planned = fc.tuple(meshes, policies).map(([nodes, policy]) => {
  const [canary = [], ...waves] = planCohorts(nodes, policy);
  const named = new Map(nodes.map((node) => [node.name, node]));
  const declared = canary.map((name) => named.get(name)).filter((node) => node !== undefined);
  return { nodes, policy, canary: declared, waves };
});

describe('a cohort plan (R5, invariant 8)', () => {
  it('has every node exactly once, and no empty wave', () => {
    fc.assert(
      fc.property(planned, ({ nodes, canary, waves }) => {
        expect([...canary.map((node) => node.name), ...waves.flat()].sort()).toEqual(nodes.map((node) => node.name).sort());
        expect(waves.every((wave) => wave.length > 0)).toBe(true);
        expect(canary.length).toBeGreaterThan(0);
      }),
    );
  });

  it('never has all holders of a pool’s role in the canary, unless there is a single one', () => {
    fc.assert(
      fc.property(planned, ({ nodes, canary }) => {
        for (const group of new Set(nodes.map(groupOf))) {
          const holders = nodes.filter((node) => groupOf(node) === group).length;
          const taken = canary.filter((node) => groupOf(node) === group).length;
          expect(holders === 1 || taken < holders).toBe(true);
        }
      }),
    );
  });

  it('has a canary of max(images x perImage, ceil(share)) nodes, but for what the holders’ rule keeps out', () => {
    fc.assert(
      fc.property(planned, ({ nodes, policy, canary }) => {
        const images = new Set(nodes.map((node) => node.image)).size;
        const wanted = Math.max(
          1,
          Math.min(nodes.length, Math.max(images * policy.cohorts.canary.perImage, shareOf(policy.cohorts.canary.share, nodes.length))),
        );
        expect(canary.length).toBeLessThanOrEqual(wanted);
        if (canary.length === wanted) return;
        const kept = [...new Set(nodes.map(groupOf))].filter((group) => nodes.filter((node) => groupOf(node) === group).length > 1).length;
        expect(canary.length).toBe(nodes.length - kept);
      }),
    );
  });

  it('has every golden image in the canary that the holders’ rule leaves a node of, and a signer where there is room', () => {
    fc.assert(
      fc.property(planned, ({ nodes, policy, canary }) => {
        if (policy.cohorts.canary.perImage === 0) return;
        const holders = (node: NodeDeclaration): number => nodes.filter((other) => groupOf(other) === groupOf(node)).length;
        const taken = (node: NodeDeclaration): number => canary.filter((other) => groupOf(other) === groupOf(node)).length;
        for (const image of new Set(nodes.map((node) => node.image))) {
          if (canary.some((node) => node.image === image)) continue;
          // Each of its nodes would have been the last of its kind.
          for (const node of nodes.filter((one) => one.image === image))
            expect(holders(node) > 1 && taken(node) === holders(node) - 1).toBe(true);
        }
        const signers = nodes.filter((node) => node.roles.includes('signer'));
        const free = signers.filter((node) => holders(node) === 1 || taken(node) < holders(node) - 1);
        if (free.length > 0) expect(canary.some((node) => node.roles.includes('signer'))).toBe(true);
      }),
    );
  });

  it('has no node in the canary that forbids it, and yet has one, whatever the rule about holders keeps out', () => {
    fc.assert(
      fc.property(meshes, policies, fc.infiniteStream(fc.boolean()), (nodes, policy, forbids) => {
        const declared = nodes.map((node, index): NodeDeclaration =>
          index > 0 && forbids.next().value ? { ...node, canary: 'forbidden' } : node,
        );
        const [canary = []] = planCohorts(declared, policy);
        expect(canary.length).toBeGreaterThan(0);
        expect(declared.filter((node) => canary.includes(node.name) && node.canary === 'forbidden')).toEqual([]);
      }),
    );
  });

  it('is the same for the same nodes in any order', () => {
    fc.assert(
      fc.property(meshes, policies, fc.infiniteStream(fc.nat()), (nodes, policy, random) => {
        const mixed = nodes.map((node) => ({ node, key: random.next().value as number })).sort((a, b) => a.key - b.key);
        const shuffled = mixed.map(({ node }) => node);
        expect(planCohorts(shuffled, policy)).toEqual(planCohorts(nodes, policy));
      }),
      { numRuns: 50 },
    );
  });
});

describe('a share', () => {
  it('is rounded up for cohorts and never more than there are; the allowance is rounded down and never 0', () => {
    fc.assert(
      fc.property(shares, fc.integer({ min: 1, max: 10_000 }), (share, of) => {
        const exact = 'count' in share ? share.count : (share.percent * of) / 100;
        const up = shareOf(share, of);
        expect(up).toBeLessThanOrEqual(of);
        expect(up).toBeGreaterThanOrEqual(Math.min(of, exact));
        expect(up - exact).toBeLessThan(1);
        const down = maxUnavailable(share, of);
        expect(down).toBeGreaterThanOrEqual(1);
        expect(down).toBeLessThanOrEqual(Math.max(1, exact));
      }),
    );
  });
});
