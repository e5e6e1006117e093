import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dueAt, entryExpiry, groupsOf, horizonOf, windowOf } from '../../../src/domain/groups.js';
import type { Manifest } from '../../../src/domain/manifest.js';
import type { Policy } from '../../../src/domain/policy.js';
import { MODEL_POLICY } from '../../exploration/policy.js';
import { manifests } from '../manifest-arbitrary.js';

const DAY = 86_400_000;
const START = Date.parse('2026-06-01T00:00:00Z');
const iso = (at: number): string => new Date(at).toISOString();

const POLICY: Policy = {
  ...MODEL_POLICY,
  scan: { ...MODEL_POLICY.scan, lookAhead: 2 * DAY },
  window: { appStore: 7 * DAY, development: 7 * DAY, adHoc: 60 * DAY, enterprise: 60 * DAY },
};

/** Manifests whose profiles and certificates expire here and there in a year. */
const dated: fc.Arbitrary<Manifest> = fc.tuple(manifests, fc.infiniteStream(fc.nat(365))).map(([manifest, days]) => {
  const at = (): string => iso(START + (days.next().value as number) * DAY);
  return {
    ...manifest,
    certificates: Object.fromEntries(Object.entries(manifest.certificates).map(([sha1, one]) => [sha1, { ...one, expiresAt: at() }])),
    profiles: manifest.profiles.map((entry) => ({ ...entry, profile: { ...entry.profile, expiresAt: at() } })),
  };
});
const nows = fc.nat(365).map((day) => START + day * DAY);
const keyOf = (entry: Manifest['profiles'][number]): string => entry.profile.uuid;

describe('groups and what is due (R1, R2)', () => {
  it('have every entry in exactly one group, and a group expires with its first', () => {
    fc.assert(
      fc.property(dated, (manifest) => {
        const groups = groupsOf(manifest);
        expect(groups.flatMap((group) => group.entries.map(keyOf)).sort()).toEqual(manifest.profiles.map(keyOf).sort());
        for (const group of groups) expect(group.expiresAt).toBe(Math.min(...group.entries.map((entry) => entryExpiry(manifest, entry))));
      }),
    );
  });

  it('are due all or not at all, and due as soon as one entry is within its window', () => {
    fc.assert(
      fc.property(dated, nows, (manifest, now) => {
        const due = dueAt(manifest, POLICY, now);
        const names = new Set(due.entries.map(keyOf));
        for (const group of groupsOf(manifest)) {
          const inside = group.entries.filter((entry) => names.has(keyOf(entry))).length;
          expect(inside === 0 || inside === group.entries.length).toBe(true);
          const strict = group.entries.some((entry) => entryExpiry(manifest, entry) <= now + windowOf(entry.method, POLICY));
          if (strict) expect(inside).toBe(group.entries.length);
        }
      }),
    );
  });

  it('look ahead only when something is due at all, and never further than the look-ahead or a dying certificate reach', () => {
    fc.assert(
      fc.property(dated, nows, (manifest, now) => {
        const due = dueAt(manifest, POLICY, now);
        const strict = manifest.profiles.some((entry) => entryExpiry(manifest, entry) <= now + windowOf(entry.method, POLICY));
        expect(due.entries.length > 0).toBe(strict);
        for (const group of due.groups) {
          const ahead = group.entries.some(
            (entry) => entryExpiry(manifest, entry) <= now + windowOf(entry.method, POLICY) + POLICY.scan.lookAhead,
          );
          const dying = group.entries.some((entry) => due.dyingCertificates.includes(entry.identity));
          expect(ahead || dying).toBe(true);
        }
      }),
    );
  });

  it('take every entry of a dying certificate along, and the horizon is the first expiry of all', () => {
    fc.assert(
      fc.property(dated, nows, (manifest, now) => {
        const due = dueAt(manifest, POLICY, now);
        if (due.entries.length === 0) return;
        const names = new Set(due.entries.map(keyOf));
        for (const entry of manifest.profiles)
          if (due.dyingCertificates.includes(entry.identity)) expect(names.has(keyOf(entry))).toBe(true);
        expect(due.expiresFirst).toBe(horizonOf(manifest, due.entries));
      }),
    );
  });
});
