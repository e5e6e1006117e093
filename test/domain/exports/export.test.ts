import { describe, expect, it } from 'vitest';
import {
  decideExport,
  endExport,
  exportStatus,
  obeyExport,
  opensAs,
  sealExport,
  settleExport,
  type ExportPhase,
  type ExportState,
  type OpenedExport,
} from '../../../src/domain/exports/export.js';
import { readExportStatement, type ExportBinding, type ExportWord, type Spoken } from '../../../src/domain/exports/statement.js';
import { readStatement } from '../../../src/domain/rotation/statement.js';

const NOW = Date.parse('2026-11-28T09:00:00Z');
const BINDS = {
  ...{ identity: '97134e8cc0e5ffe4ba55eaf5dc7b6e9c0050bc31', serial: '5F2C9A', certificateExpiresAt: '2027-03-02T11:40:12.000Z' },
  ...{ node: 'ams-sign-1', receiver: 'safe', recipient: `age1${'q'.repeat(58)}`, fetchWithin: 1_000, reason: 'escrow' },
  ...{ export: '97134e8c-1f2a3b4c', requestedBy: 'rita', request: 'a'.repeat(64), roster: 'b'.repeat(64) },
} as unknown as ExportBinding;
const OPENED = {
  binding: BINDS,
  ticket: 'CHG-7',
  requestedAt: NOW,
  approvals: 2,
  approveWithin: 10_000,
  fetchedBy: ['vera'],
  rights: { ada: ['approve', 'reject'], grace: ['approve', 'reject'], rita: ['export', 'approve'], vera: ['approve'], otto: [] },
  authority: { installation: 'acme', mode: 'production', assurance: 'signature', keys: {} },
  tickets: { tickets: { pattern: '^CHG-[0-9]+$' }, scan: { ticket: 'CHG-1' } },
} as unknown as OpenedExport;
const begun = opensAs('ios-main' as never, OPENED);

let nonces = 0;
const word = (person: string, own: object, change: object = {}): Spoken<ExportWord> => ({
  statement: {
    ...{ schemaVersion: 1, installation: 'acme', mode: 'production', line: 'ios-main', person, ticket: 'CHG-7' },
    ...{ nonce: (nonces += 1).toString(16).padStart(32, '0'), issuedAt: new Date(NOW).toISOString(), expiresAt: new Date(NOW + 60_000).toISOString() },
    ...own,
    ...change,
  } as unknown as ExportWord,
  signature: 'signed',
}); // prettier-ignore
const approve = (person: string, change: object = {}) => word(person, { says: 'export-approve', binds: { ...BINDS, ...change } });
const reject = (person: string) => word(person, { says: 'export-reject', binds: BINDS, reason: null });
const withdraw = (person: string) => word(person, { says: 'export-withdraw', export: BINDS.export, request: BINDS.request });
const fetch = (person: string) =>
  word(person, { says: 'export-fetch', export: BINDS.export, request: BINDS.request, sealed: 'c'.repeat(64) });
const KNOWN = { key: 'SHA256:x', voided: [] };
const after = (state: ExportState, ...words: Spoken<ExportWord>[]): ExportState =>
  words.reduce((known, spoken) => {
    expect(decideExport(known, spoken, NOW)).toEqual({ accepted: true });
    return obeyExport(known, spoken, KNOWN, NOW);
  }, state);
const code = (state: ExportState, spoken: Spoken<ExportWord>, now = NOW): string => {
  const decision = decideExport(settleExport(state, now), spoken, now);
  return decision.accepted ? 'accepted' : decision.code;
};
const approved = (): ExportState => after(begun, approve('ada'), approve('grace'));
const sealed = (): ExportState => sealExport(approved(), { sha256: 'c'.repeat(64) as never, document: 'd'.repeat(64) as never, at: NOW });

describe('what a request becomes (S6)', () => {
  it('two approvals, sealed, fetched by whom the receiver names, once', () => {
    expect(after(begun, approve('ada')).phase).toBe('requested');
    expect(approved().phase).toBe('approved');
    const done = after(sealed(), fetch('vera'));
    expect(exportStatus(done)).toMatchObject({
      phase: 'fetched',
      ended: { by: 'vera' },
      approvals: [{ person: 'ada' }, { person: 'grace' }],
    });
    expect(code(done, fetch('vera'))).toBe('ALREADY_DECIDED');
  });

  it.each<[string, () => ExportState, () => Spoken<ExportWord>, ExportPhase]>([
    ['a rejection', () => begun, () => reject('ada'), 'rejected'],
    ['a rejection of what is sealed', sealed, () => reject('ada'), 'rejected'],
    ['the withdrawal of who asked', () => begun, () => withdraw('rita'), 'withdrawn'],
    ['the same while the node exports', approved, () => withdraw('rita'), 'withdrawn'],
  ])('%s ends it, and nothing is handed out any more', (_, state, spoken, phase) => {
    const ended = after(state(), spoken());
    expect(ended.phase).toBe(phase);
    for (const more of [approve('grace'), fetch('vera'), withdraw('rita')]) expect(code(ended, more)).toBe('ILLEGAL_COMMAND');
    // What comes off the node afterwards is not kept.
    expect(sealExport(ended, { sha256: 'c' as never, document: 'd' as never, at: NOW }).phase).toBe(phase);
    expect(endExport(ended, 'fetched', { at: NOW, by: 'x', reason: '' })).toBe(ended);
  });

  it('silence ends it, before the approvals and before the fetch, to the millisecond', () => {
    expect(settleExport(begun, NOW + 9_999)).toBe(begun);
    expect(settleExport(after(begun, approve('ada')), NOW + 10_000)).toMatchObject({
      phase: 'expired',
      ended: { by: 'reseal', reason: 'it had 1 of 2 approvals when its time was up' },
    });
    expect(code(sealed(), fetch('vera'), NOW + 999)).toBe('accepted');
    expect(code(sealed(), fetch('vera'), NOW + 1_000)).toBe('ILLEGAL_COMMAND');
    expect(code(approved(), fetch('vera'))).toBe('ILLEGAL_COMMAND');
  });
});

describe('whose word counts (T2)', () => {
  it.each<[string, Spoken<ExportWord>, string]>([
    ['the requester approves', approve('rita'), 'NOT_ENTITLED'],
    ['who fetches approves', approve('vera'), 'NOT_ENTITLED'],
    ['somebody without the right approves', approve('otto'), 'NOT_ENTITLED'],
    ['somebody approves whom nobody knows', approve('constructor'), 'NOT_ENTITLED'],
    ['an approver withdraws who gave none', withdraw('ada'), 'NOT_ENTITLED'],
    ['another receiver', approve('ada', { receiver: 'mallory' }), 'STATEMENT_REFUSED'],
    ["another key of the receiver's", approve('ada', { recipient: `age1${'p'.repeat(58)}` }), 'STATEMENT_REFUSED'],
    ['another request', approve('ada', { request: 'f'.repeat(64) }), 'STATEMENT_REFUSED'],
    ['another reason', approve('ada', { reason: 'none' }), 'STATEMENT_REFUSED'],
    ['another ticket', word('ada', { says: 'export-approve', binds: BINDS }, { ticket: 'CHG-8' }), 'WRONG_TICKET'],
    ['no ticket', word('ada', { says: 'export-approve', binds: BINDS }, { ticket: 'soon' }), 'WRONG_TICKET'],
    ['another line', word('ada', { says: 'export-approve', binds: BINDS }, { line: 'mac-main' }), 'STATEMENT_REFUSED'],
    ['another installation', word('ada', { says: 'export-approve', binds: BINDS }, { installation: 'other' }), 'STATEMENT_REFUSED'],
    ['of a rehearsal', word('ada', { says: 'export-approve', binds: BINDS }, { mode: 'rehearsal' }), 'STATEMENT_REFUSED'],
    ['too old', word('ada', { says: 'export-approve', binds: BINDS }, { expiresAt: new Date(NOW).toISOString(), issuedAt: '2026-11-28T08:00:00Z' }), 'STATEMENT_REFUSED'],
    ['a name alone', { ...approve('ada'), signature: null }, 'SIGNATURE_NEEDED'],
  ])('%s: refused', (_, spoken, expected) => {
    expect(code(begun, spoken)).toBe(expected);
  }); // prettier-ignore

  it('a person once, a statement once, and not after their approval was voided or taken back', () => {
    const first = approve('ada');
    const once = after(begun, first);
    expect(code(once, approve('ada'))).toBe('ALREADY_DECIDED');
    const back = after(once, withdraw('ada'));
    expect(back).toMatchObject({ phase: 'requested', approvals: [] });
    expect(code(back, first)).toBe('ALREADY_DECIDED');
    const voiding = obeyExport(once, approve('grace'), { key: null, voided: ['ada' as never] }, NOW);
    expect(voiding).toMatchObject({ phase: 'requested', approvals: [{ person: 'grace' }] });
  });

  it('somebody else than the receiver names fetches, or something else than is sealed', () => {
    expect(code(sealed(), fetch('ada'))).toBe('NOT_ENTITLED');
    expect(code(sealed(), word('vera', { says: 'export-fetch', export: BINDS.export, request: BINDS.request, sealed: 'e'.repeat(64) }))).toBe('WRONG_DIGEST');
  }); // prettier-ignore
});

describe('what is read as a statement', () => {
  it('is whole, of its form, with nothing beside; no statement of a rotation is one of an export', () => {
    const { statement } = approve('ada');
    expect(readExportStatement(statement).kind).toBe('statement');
    for (const broken of [{ ...statement, more: 1 }, { ...statement, nonce: 'x' }, { ...statement, binds: { ...BINDS, more: 1 } }, { ...statement, says: 'approve' }, null, 'x'])
      expect(readExportStatement(broken).kind).toBe('none');
    expect(readExportStatement({ ...statement, binds: { ...BINDS, recipient: 'age1x' } })).toEqual({ kind: 'none', reason: 'its recipient is not of the form that it should have' });
    expect(readStatement(statement).kind).toBe('none');
  }); // prettier-ignore
});
