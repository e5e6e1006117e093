import { expect, it } from 'vitest';
import type { Sha1 } from '../../src/domain/brands.js';
import { cameTooEarly, mayPurge, neededUntil, type MadeKeychain } from '../../src/domain/node/purge.js';
import { manifestOf } from '../node/mesh.js';

const identity = '97134e8cc0e5ffe4ba55eaf5dc7b6e9c0050bc31' as Sha1;
const manifest = manifestOf('2025', ['com.acme.courier']);
const until = Math.min(...manifest.profiles.map(({ profile }) => Date.parse(profile.expiresAt)), Date.parse('2027-03-02T11:40:12Z'));
const retired: MadeKeychain = { identity, onSearchList: false, accepted: false, neededUntil: neededUntil(identity, [manifest], null) };

it('a keychain goes at its horizon, not a moment before, and only where nothing signs with it', () => {
  expect(mayPurge(retired, until)).toEqual({ purge: true });
  expect(mayPurge(retired, until - 1)).toMatchObject({
    purge: false,
    possibleFrom: until,
    reason: expect.stringMatching(/^a rollback may need it until .* UTC; purge it then$/),
  });
  expect(mayPurge({ ...retired, onSearchList: true }, until)).toEqual({
    purge: false,
    reason: 'it is on the search list',
    possibleFrom: null,
  });
  expect(mayPurge({ ...retired, accepted: true }, until)).toMatchObject({ purge: false });
  expect(mayPurge({ ...retired, neededUntil: null }, until)).toEqual({
    purge: false,
    reason: 'nothing on the node tells until when a rollback may need it',
    possibleFrom: null,
  });
});

it('of several manifests that it went with the last horizon counts', () => {
  const longer = {
    ...manifest,
    profiles: manifest.profiles.map((one) => ({ ...one, profile: { ...one.profile, expiresAt: '2027-01-01T00:00:00Z' } })),
  };
  const last = Date.parse('2027-01-01T00:00:00Z');
  expect(neededUntil(identity, [manifest, longer], null)).toBe(last);
  expect(mayPurge({ ...retired, neededUntil: last }, last - 1)).toMatchObject({ purge: false, possibleFrom: last });
  expect(mayPurge({ ...retired, neededUntil: last }, last)).toEqual({ purge: true });
});

it('what was noted counts beside what lies in quarantine, and manifests that sign with another identity do not', () => {
  const other = 'f'.repeat(40) as Sha1;
  expect(neededUntil(identity, [], until + 1)).toBe(until + 1);
  expect(neededUntil(identity, [manifest], until + 1)).toBe(until + 1);
  expect(neededUntil(identity, [manifest], until - 1)).toBe(until);
  expect(neededUntil(other, [manifest], null)).toBeNull();
});

it('a purge came too early only where nothing was destroyed and a date would change that', () => {
  const kept = { identity, reason: '', possibleFrom: '2027-01-01T00:00:00.000Z' };
  expect(cameTooEarly({ purged: [], kept: [kept] })).toBe(true);
  expect(cameTooEarly({ purged: [], kept: [{ ...kept, possibleFrom: null }] })).toBe(false);
  expect(cameTooEarly({ purged: [identity], kept: [kept] })).toBe(false);
});
