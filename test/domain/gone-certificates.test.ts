import { expect, it } from 'vitest';
import type { LineName, PersonId, Sha1, TeamId, Uuid } from '../../src/domain/brands.js';
import { goneCertificates, type TeamCertificates } from '../../src/domain/gone-certificates.js';
import type { Manifest } from '../../src/domain/manifest.js';
import type { Revocation, RevocationStatement } from '../../src/domain/revocations.js';

const NOW = Date.parse('2026-11-28T09:00:00Z');
const [A, B] = ['a'.repeat(40) as Sha1, 'b'.repeat(40) as Sha1];
const [FIRST, SECOND] = ['AAAAAAAAAA' as TeamId, 'BBBBBBBBBB' as TeamId];
const UUID = '753bad01-23c2-521a-b90e-d56f6e4bb7e8' as Uuid;

/** Two teams, each with a certificate of its own. */
const manifest = (expiresAt = '2027-01-01T00:00:00Z'): Manifest => ({
  schemaVersion: 1,
  line: 'ios-main' as LineName,
  certificates: Object.fromEntries(
    [A, B].map((sha1) => [
      sha1,
      { commonName: 'x', team: sha1 === A ? FIRST : SECOND, serial: sha1.slice(0, 32).toUpperCase(), expiresAt },
    ]),
  ),
  profiles: [A, B].map((identity) => ({
    identity,
    team: identity === A ? FIRST : SECOND,
    profile: { uuid: identity === A ? UUID : UUID.replace('7', '8') },
  })) as unknown as Manifest['profiles'],
});
const word = (says: RevocationStatement['says'], lacks: string | null): Revocation => ({
  lacks,
  statement: {
    says,
    certificate: A,
    serial: null,
    person: 'ada' as PersonId,
    issuedAt: '2026-11-28T08:00:00Z',
    revokedAt: '2026-11-28T07:00:00Z',
  } as RevocationStatement,
});

it.each<[string, TeamCertificates, Manifest, readonly Revocation[], readonly Sha1[]]>([
  ['one that is listed is not gone', { listed: [A], profiles: [UUID] }, manifest(), [], []],
  ['one that is not listed is, of a team that is known by its profiles', { listed: [], profiles: [UUID] }, manifest(), [], [A]],
  ['of another team nothing is known', { listed: [A], profiles: [] }, manifest(), [], []],
  ['nor of anybody, where nothing of the manifest is there', { listed: [], profiles: [] }, manifest(), [], []],
  ['one that has expired is listed no more, and not gone', { listed: [], profiles: [UUID] }, manifest('2026-11-28T08:59:59Z'), [], []],
  ['a recorded one is not asked about again', { listed: [], profiles: [UUID] }, manifest(), [word('revocation-record', null)], []],
  [
    'nor one of which a person has said that it is not',
    { listed: [], profiles: [UUID] },
    manifest(),
    [word('revocation-mistake', null)],
    [],
  ],
  ['what nothing proves settles nothing', { listed: [], profiles: [UUID] }, manifest(), [word('revocation-mistake', 'forged')], [A]],
])('%s', (_, known, named, revocations, expected) => {
  expect(goneCertificates(named, known, revocations, NOW)).toEqual(expected);
});
