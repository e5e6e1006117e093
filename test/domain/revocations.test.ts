import { describe, expect, it } from 'vitest';
import type { PersonId, Sha1 } from '../../src/domain/brands.js';
import {
  isAbout,
  isRevoked,
  readRevocation,
  revocationStanding,
  type Revocation,
  type RevocationStatement,
} from '../../src/domain/revocations.js';

const A = 'a'.repeat(40) as Sha1;
const B = 'b'.repeat(40) as Sha1;
const SERIAL = '5F2C9A1E77B04D3382C6E1A94B7D0F16';

type Recorded = Extract<RevocationStatement, { says: 'revocation-record' }>;
const said = (minute: number, more: Partial<Recorded> = {}): Recorded => ({
  schemaVersion: 1,
  says: 'revocation-record',
  installation: 'acme-demo',
  person: 'ada' as PersonId,
  ticket: 'INC-1',
  certificate: A,
  serial: null,
  reason: 'the key was on a stolen laptop',
  nonce: 'c'.repeat(32),
  issuedAt: `2026-11-28T09:${String(minute).padStart(2, '0')}:00.000Z`,
  expiresAt: '2026-11-28T10:15:00.000Z',
  revokedAt: '2026-11-28T08:00:00.000Z',
  source: 'person',
  ...more,
});
const mistaken = (minute: number): RevocationStatement => {
  const { revokedAt: _revokedAt, source: _source, ...rest } = said(minute);
  return { ...rest, says: 'revocation-mistake' };
};
const proven = (statement: RevocationStatement): Revocation => ({ statement, lacks: null });
const unproven = (statement: RevocationStatement): Revocation => ({ statement, lacks: 'by name alone' });
const standing = (...words: readonly Revocation[]) => revocationStanding(words, { sha1: A, serial: null }).kind;

describe('how a certificate stands', () => {
  it.each<[string, readonly Revocation[], string]>([
    ['nothing was said', [], 'not-revoked'],
    ['a proven word', [proven(said(1))], 'revoked'],
    ['a word that nothing proves', [unproven(said(1))], 'claimed'],
    ['a proven mistake after a proven word', [proven(said(1)), proven(mistaken(2))], 'not-revoked'],
    ['a proven word after a proven mistake', [proven(mistaken(1)), proven(said(2))], 'revoked'],
    ['a mistake of the same moment', [proven(said(1)), proven(mistaken(1))], 'revoked'],
    ['an unproven mistake after a proven word', [proven(said(1)), unproven(mistaken(2))], 'revoked'],
    ['an unproven mistake after an unproven word', [unproven(said(1)), unproven(mistaken(2))], 'claimed'],
    ['a proven mistake after an unproven word', [unproven(said(1)), proven(mistaken(2))], 'not-revoked'],
    ['an unproven word after a proven mistake', [proven(mistaken(1)), unproven(said(2))], 'claimed'],
    ['a word about another one', [proven(said(1, { certificate: B }))], 'not-revoked'],
  ])('%s', (_, words, expected) => {
    expect(standing(...words)).toBe(expected);
    expect(standing(...[...words].reverse())).toBe(expected);
  });

  it('says since when, by the word that decides', () => {
    const words = [proven(said(1)), proven(said(2, { revokedAt: '2026-11-27T00:00:00.000Z' }))];
    expect(revocationStanding(words, { sha1: A, serial: null })).toMatchObject({
      kind: 'revoked',
      since: Date.parse('2026-11-27T00:00:00Z'),
    });
    expect(isRevoked(words, { sha1: A, serial: null })).toBe(true);
    expect(isRevoked([unproven(said(1))], { sha1: A, serial: null })).toBe(false);
  });
});

it('a word that names a SHA-1 is about no other certificate of the same serial number; one that names a serial number alone is about whichever has it', () => {
  expect(isAbout(said(1, { serial: SERIAL }), { sha1: B, serial: SERIAL })).toBe(false);
  expect(isAbout(said(1, { serial: SERIAL }), { sha1: null, serial: SERIAL })).toBe(true);
  expect(isAbout(said(1, { certificate: null, serial: SERIAL }), { sha1: B, serial: `00${SERIAL.toLowerCase()}` })).toBe(true);
  expect(isAbout(said(1, { certificate: null, serial: SERIAL }), { sha1: B, serial: SERIAL.slice(-16) })).toBe(false);
  expect(isAbout(said(1), { sha1: null, serial: SERIAL })).toBe(false);
});

describe('reading one', () => {
  it('takes both kinds', () => {
    expect([readRevocation(said(1)).kind, readRevocation(mistaken(1)).kind]).toEqual(['revocation', 'revocation']);
  });
  it.each<[string, unknown, RegExp]>([
    ['nothing', null, /does not say/],
    ['another statement', { ...said(1), says: 'approve' }, /does not say/],
    ['one that names no certificate', said(1, { certificate: null }), /names no certificate/],
    ['a field too many', { ...said(1), note: 'x' }, /note/],
    ['a SHA-256', said(1, { certificate: 'a'.repeat(64) as Sha1 }), /certificate/],
    ['some digits of a serial number', said(1, { certificate: null, serial: '7D0F16' }), /serial/],
    ['a mistake with a date', { ...said(1), says: 'revocation-mistake' }, /revokedAt|source/],
    ['a reason that steers a terminal', said(1, { reason: 'a\u001b[2J' }), /reason/],
  ])('refuses %s', (_, value, reason) => {
    const read = readRevocation(value);
    expect(read.kind === 'none' && read.reason).toMatch(reason);
  });
});
