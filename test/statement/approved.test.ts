import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { LineName, PersonId, Sha256 } from '../../src/domain/brands.js';
import type { PinnedApprovers } from '../../src/domain/node/approved.js';
import { approversOf } from '../../src/statement/approved.js';
import { canonicalBytes } from '../../src/statement/canonical.js';
import { makeSshKey, sshSign, type SshKey } from '../setup/ssh-keys.js';

const folder = mkdtempSync(join(tmpdir(), 'reseal-approved-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const [ada, laptop, grace, mallory] = ['ada', 'ada-laptop', 'grace', 'mallory'].map((name) => makeSshKey(folder, name)) as [
  SshKey,
  SshKey,
  SshKey,
  SshKey,
];

const digest = (letter: string): Sha256 => letter.repeat(64) as Sha256;
const WANTED = { line: 'ios-main' as LineName, manifest: digest('a') };
const PINNED: PinnedApprovers = {
  schemaVersion: 1,
  installation: 'acme',
  keys: { ['ada' as PersonId]: [ada.line, laptop.line], ['grace' as PersonId]: [grace.line] },
  needed: 2,
  canary: [],
};
const BINDS = {
  gate: 'signoff',
  gateNonce: 'n',
  from: digest('b'),
  to: digest('a'),
  topology: digest('c'),
  policy: digest('d'),
  cohorts: digest('e'),
  canaryReport: digest('f'),
  roster: digest('0'),
};
const says = (change: object = {}): object => ({
  ...{ schemaVersion: 1, installation: 'acme', mode: 'production', line: 'ios-main', person: 'ada', ticket: 'CHG-1', says: 'approve' },
  ...{ nonce: '0'.repeat(32), issuedAt: '2026-01-01T00:00:00.000Z', expiresAt: '2026-01-01T00:15:00.000Z' },
  ...{ rotation: 'ios-main-7', epoch: 7000, binds: BINDS },
  ...change,
});
const signed = (key: SshKey, statement: object, namespace = 'reseal-approval-v1') => ({
  statement,
  signature: sshSign(key, canonicalBytes(statement), namespace),
});
const found = (...approvals: unknown[]) => approversOf({ schemaVersion: 1, ...WANTED, approvals }, WANTED, PINNED);

describe('who has approved a manifest, as a machine sees it for itself (T2, T6)', () => {
  it('counts what was approved at the gate of an emergency, which comes before any node is changed', () => {
    expect(found(signed(ada, says({ binds: { ...BINDS, gate: 'emergency' } }))).persons).toEqual(['ada']);
  });

  it('counts persons, at a gate or in answer to its question, long after they said so', () => {
    const { binds, ...rest } = says({ person: 'grace', says: 'answer', question: 'approve-now', option: 'approve' }) as { binds: object };
    expect(found(signed(ada, says()), signed(laptop, says({ nonce: '1'.repeat(32) })), signed(grace, { ...rest, binds }))).toEqual({
      persons: ['ada', 'grace'],
      reasons: [],
    });
  });

  it.each<[string, unknown, string]>([
    ['of another manifest', signed(ada, says({ binds: { ...BINDS, to: digest('9') } })), 'ada has approved something else'],
    ['of another line', signed(ada, says({ line: 'ios-beta' })), 'ada has approved something else'],
    ['of a retirement', signed(ada, says({ binds: { ...BINDS, gate: 'retirement' } })), 'ada has approved something else'],
    ['of another installation', signed(ada, says({ installation: 'rival' })), 'ada has approved it for rival'],
    ['of a rehearsal', signed(ada, says({ mode: 'rehearsal' })), 'ada has approved it in a rehearsal'],
    ['that is a rejection', signed(ada, says({ says: 'reject', reason: null })), 'what ada says is no approval'],
    ['of somebody whom nobody pinned', signed(mallory, says({ person: 'mallory' })), 'mallory is nobody whose approval counts here'],
    [
      'of a name that every object has',
      signed(mallory, says({ person: 'constructor' })),
      'constructor is nobody whose approval counts here',
    ],
    ['in the name of another', signed(mallory, says()), `${mallory.fingerprint} is no key of ada`],
    ['for another purpose', signed(ada, says(), 'git'), 'made for the namespace "git"'],
    ['that was changed', { ...signed(ada, says({ ticket: 'CHG-2' })), statement: says() }, 'it does not fit what it is said to sign'],
    ['without a signature', { statement: says() }, 'one is no signed statement'],
    ['that is nothing', null, 'one is no signed statement'],
  ])('an approval %s does not count', (_, approval, reason) => {
    const { persons, reasons } = found(approval);
    expect(persons).toEqual([]);
    expect(reasons).toEqual([expect.stringContaining(reason)]);
  });

  it.each([[null], ['x'], [{ approvals: 'x' }], [{ approvals: { length: 3 } }]])('nobody, where the store keeps %j', (document) => {
    expect(approversOf(document, WANTED, PINNED)).toEqual({ persons: [], reasons: [] });
  });
});
