import { rmSync } from 'node:fs';
import { afterAll, expect, it } from 'vitest';
import type { AdoptedRoster } from '../../src/domain/adopted-rosters.js';
import type { PersonId, Sha256 } from '../../src/domain/brands.js';
import type { RevocationStatement } from '../../src/domain/revocations.js';
import type { Roster } from '../../src/domain/roster.js';
import { canonicalBytes } from '../../src/statement/canonical.js';
import { judgedRevocations } from '../../src/statement/revocations.js';
import { makeSshKey, sshSign } from '../setup/ssh-keys.js';
import { temporaryFolder } from '../setup/temporary-folder.js';

const folder = temporaryFolder('reseal-words');
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const NOW = Date.parse('2026-11-28T12:00:00Z');
const DAY = 86_400_000;
const [ada, mallory] = [makeSshKey(folder, 'ada'), makeSshKey(folder, 'mallory')];

const roster = (...persons: readonly (readonly [string, string])[]): Roster => ({
  schemaVersion: 1,
  persons: persons.map(([id, line]) => ({ id: id as PersonId, name: id, roles: ['incident'], keys: [{ kind: 'ssh', public: line }] })),
  roles: { incident: ['start-emergency', 'approve'] },
});
const BEFORE = roster(['ada', ada.line]);
const AFTER = roster(['ada', ada.line], ['mallory', mallory.line]);
const adopted = (number: number, of: Roster, at: number, ...signers: readonly string[]): AdoptedRoster => ({
  ...{ number, digest: `${number}`.repeat(64) as Sha256, roster: of },
  signers: signers.map((person) => ({ person: person as PersonId, key: 'SHA256:x', at })),
});
const FIRST = adopted(1, BEFORE, NOW - 30 * DAY, 'ada', 'grace');

function judged(of: Roster, steps: readonly AdoptedRoster[], assurance: 'name' | 'signature' = 'signature', change: object = {}) {
  const statement = {
    ...{ schemaVersion: 1, says: 'revocation-record', installation: 'acme', person: 'mallory', ticket: 'INC-1', serial: null },
    ...{ certificate: 'a'.repeat(40), reason: 'x', source: 'person', nonce: 'a'.repeat(32), revokedAt: '2026-11-28T10:00:00Z' },
    ...{ issuedAt: '2026-11-28T11:00:00Z', expiresAt: '2026-11-28T11:15:00Z', ...change },
  } as RevocationStatement;
  const signature = sshSign(mallory, canonicalBytes(statement), 'reseal-approval-v1');
  const judges = { installation: 'acme', assurance, roster: of, adopted: steps, now: NOW };
  return judgedRevocations([{ statement, signature }], judges);
}
const lacks = (...given: Parameters<typeof judged>): string | null => judged(...given).revocations[0]?.lacks ?? null;

it('somebody whom an edit of roster.yaml has made up proves no revocation: it is claimed, and keeps nobody from going back (T2)', () => {
  expect(lacks(AFTER, [])).toBeNull();
  expect(lacks(AFTER, [FIRST])).toBe('mallory is not on roster 1, the newest that people have adopted');
  expect(lacks(AFTER, [FIRST], 'name')).toBeNull();
});

it('nor for 7 days one whom a single person has adopted; with two of the roster before at once', () => {
  expect(lacks(AFTER, [FIRST, adopted(2, AFTER, NOW - DAY, 'ada')])).toMatch(/^mallory /);
  expect(lacks(AFTER, [FIRST, adopted(2, AFTER, NOW - 8 * DAY, 'ada')])).toBeNull();
  expect(lacks(AFTER, [FIRST, adopted(2, AFTER, NOW - DAY, 'ada', 'grace')])).toBeNull();
});

it('nor one who was given the right by an edit that a single person has adopted of late', () => {
  const without: Roster = { ...AFTER, persons: AFTER.persons.map((one) => (one.id === 'mallory' ? { ...one, roles: ['none'] } : one)), roles: { ...AFTER.roles, none: [] } }; // prettier-ignore
  const first = adopted(1, without, NOW - 30 * DAY, 'ada', 'grace');
  expect(lacks(AFTER, [first, adopted(2, AFTER, NOW - DAY, 'ada')])).toMatch(/^mallory /);
  const known: Roster = { ...AFTER, roles: { incident: ['approve'] } };
  expect(lacks(AFTER, [adopted(1, known, NOW - 30 * DAY, 'ada', 'grace'), adopted(2, AFTER, NOW - DAY, 'ada')])).toBe(
    'mallory was given the right to start-emergency by roster 2, which ada adopted alone',
  );
});

it('what is dated to come is no word at all: nobody could sign a later one that takes it back', () => {
  const change = { issuedAt: '2099-01-01T00:00:00Z', expiresAt: '2099-01-01T00:15:00Z' };
  expect(judged(AFTER, [], 'signature', change)).toEqual({
    revocations: [],
    unreadable: ['it was issued at 2099-01-01T00:00:00Z, which is to come'],
  });
});
