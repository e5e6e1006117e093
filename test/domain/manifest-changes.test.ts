import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Manifest } from '../../src/domain/manifest.js';
import { composeTo, diffManifests, revertEntries, type Replacement } from '../../src/domain/manifest-changes.js';
import { entryKey, manifestProblems } from '../../src/domain/manifest-rules.js';
import { certificateNamed, manifests, profileNamed, sha1Named } from './manifest-arbitrary.js';

const certificates = { [sha1Named('three')]: certificateNamed('three') };

/** A manifest, and replacements of some of its entries, with a new certificate for some of those. */
const rotations = manifests.chain((from) =>
  fc.subarray([...from.profiles]).chain((due) =>
    fc.array(fc.boolean(), { minLength: due.length, maxLength: due.length }).map((renewed) => {
      const replacements = due.map((entry, index): Replacement => {
        const identity = renewed[index] === true ? sha1Named('three') : entry.identity;
        return { key: entryKey(entry), identity, profile: profileNamed(`${entryKey(entry)} successor`, entry.bundleId, identity) };
      });
      return { from, replacements };
    }),
  ),
);
const assets = (manifest: Manifest): Map<string, string> =>
  new Map(manifest.profiles.map((entry) => [entryKey(entry), `${entry.identity} ${entry.profile.uuid}`]));
const none = { added: [], removed: [], changed: [], certificatesAdded: [], certificatesRemoved: [] };

describe('to is from with the due entries replaced', () => {
  it('changes exactly the replaced entries, and only their profile and identity', () => {
    fc.assert(
      fc.property(rotations, ({ from, replacements }) => {
        const to = composeTo(from, replacements, certificates);
        expect(manifestProblems(to)).toEqual([]);
        const difference = diffManifests(from, to);
        expect(difference.changed.map((one) => one.key).sort()).toEqual(replacements.map((one) => one.key).sort());
        for (const { fields } of difference.changed)
          expect(fields.every((field) => field === 'identity' || field.startsWith('profile.'))).toBe(true);
        expect([difference.added, difference.removed]).toEqual([[], []]);
      }),
    );
  });

  it('drops certificates that no entry names any more, and keeps the others', () => {
    fc.assert(
      fc.property(rotations, ({ from, replacements }) => {
        const to = composeTo(from, replacements, certificates);
        const named = new Set(to.profiles.flatMap((entry) => [entry.identity, ...entry.profile.certificates]));
        expect(new Set(Object.keys(to.certificates))).toEqual(named);
      }),
    );
  });

  it('refuses a key that from does not have, and a key that is replaced twice', () => {
    fc.assert(
      fc.property(rotations, ({ from, replacements: [one] }) => {
        fc.pre(one !== undefined);
        expect(() => composeTo(from, [{ ...one, key: 'nobody' }])).toThrow(/has no entry nobody/);
        expect(() => composeTo(from, [one, one], certificates)).toThrow(/replaced twice/);
      }),
    );
  });
});

describe('the difference of two manifests', () => {
  it('is empty between a manifest and itself in any order', () => {
    fc.assert(
      fc.property(manifests, (one) => void expect(diffManifests(one, { ...one, profiles: [...one.profiles].reverse() })).toEqual(none)),
    );
  });

  it('read backwards, has added and removed exchanged', () => {
    fc.assert(
      fc.property(manifests, manifests, (a, b) => {
        const there = diffManifests(a, b);
        const back = diffManifests(b, a);
        expect(back.added).toEqual(there.removed);
        expect(back.certificatesAdded).toEqual(there.certificatesRemoved);
        expect(back.changed.map((one) => one.key).sort()).toEqual(there.changed.map((one) => one.key).sort());
      }),
    );
  });
});

describe('reverting a rotation on a head (R6, R7)', () => {
  it('gives from back while nobody else has moved the head', () => {
    fc.assert(
      fc.property(rotations, ({ from, replacements }) => {
        const to = composeTo(from, replacements, certificates);
        const { manifest, kept } = revertEntries(to, from, to);
        expect(diffManifests(from, manifest)).toEqual(none);
        expect(kept).toEqual([]);
      }),
    );
  });

  it("keeps other people's changes: other entries, targets beside ours, and entries that were replaced again", () => {
    fc.assert(
      fc.property(rotations, fc.nat(), ({ from, replacements }, choice) => {
        fc.pre(from.profiles.length > 0);
        const to = composeTo(from, replacements, certificates);
        const touched = to.profiles[choice % to.profiles.length]!;
        const again = { ...touched, profile: profileNamed('again', touched.bundleId, touched.identity), targets: ['Renamed'] };
        const head: Manifest = {
          ...to,
          profiles: to.profiles.map((entry) => (entry === touched ? again : { ...entry, targets: [...entry.targets, 'More'] })),
        };
        const { manifest, reverted, kept } = revertEntries(head, from, to);
        const ours = new Set(replacements.map((one) => one.key));
        const before = assets(from);
        for (const entry of manifest.profiles) {
          const key = entryKey(entry);
          const other = head.profiles.find((one) => entryKey(one) === key)!;
          expect(entry.targets).toEqual(other.targets);
          if (key === entryKey(touched)) expect(entry.profile.uuid).toBe(again.profile.uuid);
          else if (ours.has(key)) expect(`${entry.identity} ${entry.profile.uuid}`).toBe(before.get(key));
          else expect(entry).toEqual(other);
        }
        expect(new Set([...reverted, ...kept])).toEqual(ours);
        for (const entry of manifest.profiles) expect(manifest.certificates).toHaveProperty(entry.identity);
      }),
    );
  });

  it('reverting twice is reverting once', () => {
    fc.assert(
      fc.property(rotations, ({ from, replacements }) => {
        const to = composeTo(from, replacements, certificates);
        const once = revertEntries(to, from, to).manifest;
        expect(revertEntries(once, from, to).manifest).toEqual(once);
      }),
    );
  });
});
