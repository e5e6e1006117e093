import { expect, it } from 'vitest';
import type { Sha1 } from '../../src/domain/brands.js';
import { mayPurge, type MadeKeychain } from '../../src/domain/node/purge.js';
import { manifestOf } from '../node/mesh.js';

const identity = '97134e8cc0e5ffe4ba55eaf5dc7b6e9c0050bc31' as Sha1;
const manifest = manifestOf('2025', ['com.acme.courier']);
const until = Math.min(...manifest.profiles.map(({ profile }) => Date.parse(profile.expiresAt)), Date.parse('2027-03-02T11:40:12Z'));
const retired: MadeKeychain = { identity, onSearchList: false, accepted: false, retiredWith: [manifest] };

it('a keychain goes at its horizon, not a moment before, and only where nothing signs with it', () => {
  expect(mayPurge(retired, until)).toEqual({ purge: true });
  expect(mayPurge(retired, until - 1)).toMatchObject({ purge: false });
  expect(mayPurge({ ...retired, onSearchList: true }, until)).toEqual({ purge: false, reason: 'it is on the search list' });
  expect(mayPurge({ ...retired, accepted: true }, until)).toMatchObject({ purge: false });
  expect(mayPurge({ ...retired, retiredWith: [] }, until)).toEqual({
    purge: false,
    reason: 'nothing in quarantine tells until when a rollback may need it',
  });
});

it('of several manifests that it went with the last horizon counts', () => {
  const longer = {
    ...manifest,
    profiles: manifest.profiles.map((one) => ({ ...one, profile: { ...one.profile, expiresAt: '2027-01-01T00:00:00Z' } })),
  };
  expect(mayPurge({ ...retired, retiredWith: [manifest, longer] }, Date.parse('2026-12-31T23:59:59Z'))).toMatchObject({ purge: false });
  expect(mayPurge({ ...retired, retiredWith: [manifest, longer] }, Date.parse('2027-01-01T00:00:00Z'))).toEqual({ purge: true });
});
