import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { covers, narrowerEntitlements } from '../../src/domain/entitlements.js';
import type { Entitlements, PlainValue } from '../../src/domain/profile.js';
import { patternCovers } from '../../src/domain/profile.js';
import { compareSuccessor } from '../../src/domain/successor.js';
import { certificate, NOW, profile } from './successor-support.js';

const old = profile('1', { expiresAt: '2026-06-05T00:00:00Z', devices: ['d1', 'd2'], platforms: ['iOS', 'xrOS'] });
const next = profile('2', { devices: ['d1', 'd2', 'd3'], platforms: ['iOS', 'xrOS'] });
const failed = (over: Partial<typeof next>, at = NOW) => compareSuccessor(old, { ...next, ...over }, at).filter((one) => !one.ok);

describe('preflight compares a successor with its predecessor (R2)', () => {
  it('passes every check, in a fixed order, for one that is nowhere narrower', () => {
    const checks = compareSuccessor(old, next, NOW);
    expect(checks.map((one) => one.check)).toEqual([
      'uuid',
      'team',
      'bundle',
      'kind',
      'platforms',
      'validity',
      'life',
      'xcode-managed',
      'devices',
      'entitlements',
    ]);
    expect(checks.every((one) => one.ok)).toBe(true);
  });

  it.each([
    ['the same UUID with other bytes', { uuid: old.uuid }, 'uuid', /other bytes/],
    ['another team', { team: 'AAAAAAAAAA' as typeof old.team }, 'team', /expected 9QK4T7XW2B/],
    ['another bundle pattern', { appId: '9QK4T7XW2B.*' }, 'bundle', /expected/],
    ['another kind', { kind: 'enterprise' as const }, 'kind', /expected app-store/],
    ['a platform lost', { platforms: ['iOS'] }, 'platforms', /xrOS is missing/],
    ['a device lost', { devices: ['d1', 'd3'] }, 'devices', /1 of 2 devices/],
    ['no life gained', { expiresAt: old.expiresAt }, 'life', /not later/],
    ['a start in the future', { createdAt: '2026-07-01T00:00:00Z' }, 'validity', /not yet valid/],
    [
      'a certificate of the future only',
      { certificates: [certificate('b', { notBefore: '2026-07-01T00:00:00Z' })] },
      'validity',
      /valid now/,
    ],
    ['Xcode as its manager', { xcodeManaged: true }, 'xcode-managed', /Xcode/],
    ['an entitlement lost', { entitlements: { 'get-task-allow': false } }, 'entitlements', /application-identifier is missing/],
  ])('refuses %s', (_, over, check, reason) => {
    expect(failed(over)).toEqual([{ check, ok: false, reason: expect.stringMatching(reason) }]);
  });

  it('refuses a successor that has expired', () => {
    expect(failed({}, Date.parse('2028-01-01T00:00:00Z')).map((one) => one.check)).toEqual(['validity']);
  });

  it('reports every failure at once, each narrower entitlement on a line of its own', () => {
    expect(failed({ kind: 'ad-hoc', devices: [], entitlements: {} }).map((one) => one.check)).toEqual([
      'kind',
      'devices',
      'entitlements',
      'entitlements',
    ]);
  });
});

const scalar = fc.oneof(fc.string({ maxLength: 6 }), fc.boolean(), fc.integer({ min: 0, max: 3 }));
const value: fc.Arbitrary<PlainValue> = fc.oneof(
  scalar,
  fc.array(scalar, { maxLength: 4 }),
  fc.dictionary(fc.string({ maxLength: 4 }), scalar, { maxKeys: 3 }),
);
const entitlements: fc.Arbitrary<Entitlements> = fc.dictionary(fc.string({ minLength: 1, maxLength: 8 }), value, {
  minKeys: 1,
  maxKeys: 6,
});

describe('entitlements are never narrower (R2)', () => {
  it('covers itself, and still does with anything added', () => {
    fc.assert(
      fc.property(entitlements, entitlements, (a, b) => {
        expect(narrowerEntitlements(a, a)).toEqual([]);
        expect(narrowerEntitlements(a, { ...b, ...a })).toEqual([]);
      }),
    );
  });

  it('notices any key that is lost, by name', () => {
    fc.assert(
      fc.property(entitlements, fc.nat(), (all, pick) => {
        const keys = Object.keys(all);
        const lost = keys[pick % keys.length] ?? '';
        const rest = Object.fromEntries(Object.entries(all).filter(([key]) => key !== lost));
        expect(narrowerEntitlements(all, rest)).toEqual([expect.stringContaining(`entitlement ${lost} is missing`)]);
      }),
    );
  });

  it('takes arrays for sets: order and additions are free, a lost element is not', () => {
    const letters = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { minLength: 1 });
    fc.assert(
      fc.property(letters, letters, (granted, needed) => {
        expect(covers(granted, needed)).toBe(needed.every((one) => granted.includes(one)));
      }),
    );
  });

  it('lets a wildcard cover what begins like it, and nothing cover a wildcard but a wider one', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z.]{0,6}$/), fc.stringMatching(/^[a-z.]{0,6}$/), (prefix, rest) => {
        expect(covers(`${prefix}*`, prefix + rest)).toBe(true);
        expect(covers(`${prefix}*`, `${prefix}${rest}*`)).toBe(true);
        expect(covers(prefix + rest, `${prefix}*`)).toBe(false);
        expect(patternCovers(`${prefix}*`, prefix + rest)).toBe(true);
      }),
    );
  });

  it('is transitive', () => {
    fc.assert(
      fc.property(value, value, value, (a, b, c) => {
        if (covers(a, b) && covers(b, c)) expect(covers(a, c)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it('does not take what an object inherits for an entitlement', () => {
    expect(narrowerEntitlements({ constructor: 'x' }, {})).toHaveLength(1);
  });
});
