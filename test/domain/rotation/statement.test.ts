import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LineName, PersonId, RotationId } from '../../../src/domain/brands.js';
import { bindingOf } from '../../../src/domain/rotation/gate-binding.js';
import { commandOf, decide, decideSigned, keysOf } from '../../../src/domain/rotation/commands.js';
import { changes } from '../../../src/domain/rotation/history.js';
import { apply, newRotation } from '../../../src/domain/rotation/machine.js';
import { obeySigned } from '../../../src/domain/rotation/obey.js';
import type { Authority, Gate, RotationState } from '../../../src/domain/rotation/state.js';
import { LONGEST_VALIDITY, readStatement, type CommandStatement } from '../../../src/domain/rotation/statement.js';
import { MODEL_POLICY } from '../../exploration/policy.js';
import { OPENED_WITH, planOf, sha } from './plan.js';

const NOW = Date.parse('2026-11-27T12:00:00Z');
const [RITA, ADA, GRACE] = ['rita', 'ada', 'grace'] as [PersonId, PersonId, PersonId];
const TICKET = MODEL_POLICY.scan.ticket;
const RIGHTS = ['approve', 'reject', 'withdraw', 'pause', 'resume', 'rollback'] as const;
const signing: Authority = { installation: 'acme', mode: 'production', assurance: 'signature', keys: { [ADA]: ['k1'], [GRACE]: ['k2'] } };
const gate: Gate = { kind: 'signoff', ...OPENED_WITH, openedAt: 0, deadline: NOW + 9e6, remindAt: NOW + 9e6, widenAt: NOW + 9e6, silence: 'no', passedAt: null }; // prettier-ignore

const atTheGate: RotationState = {
  ...newRotation('ios-main' as LineName, { kind: 'person', by: RITA, ticket: TICKET }, MODEL_POLICY, 0, 0),
  id: 'ios-main-1' as RotationId,
  k: 1,
  phase: 'awaiting-signoff',
  authority: signing,
  rights: { [RITA]: RIGHTS, [ADA]: RIGHTS, [GRACE]: RIGHTS },
  plan: planOf({ waves: [1, 2], horizon: NOW + 1e9, eligible: [ADA, GRACE] }),
  gate,
};

const approval: CommandStatement & { readonly says: 'approve' } = {
  schemaVersion: 1,
  says: 'approve',
  installation: 'acme',
  mode: 'production',
  line: 'ios-main' as LineName,
  rotation: 'ios-main-1' as RotationId,
  epoch: 1_000,
  person: ADA,
  ticket: TICKET,
  nonce: '0123456789abcdef0123456789abcdef',
  issuedAt: new Date(NOW - 1_000).toISOString(),
  expiresAt: new Date(NOW + 60_000).toISOString(),
  binds: bindingOf(atTheGate.plan, gate) ?? (undefined as never),
};
const signed = (statement: CommandStatement = approval) => ({
  key: 'SHA256:k',
  signed: { statement, signature: 's' },
  voided: [] as PersonId[],
});

describe('a statement that is read (T2)', () => {
  it('is taken as it is where every field is there and of its form', () => {
    expect(readStatement(approval)).toEqual({ kind: 'statement', statement: approval });
  });

  it('is none with any field left out, of another type, or with one too many', () => {
    for (const name of Object.keys(approval)) {
      const { [name as keyof typeof approval]: _left, ...rest } = approval;
      expect(readStatement(rest).kind, `without ${name}`).toBe('none');
      for (const value of [null, 0.5, '', [], {}, true])
        expect(readStatement({ ...approval, [name]: value }).kind, `${name} ${JSON.stringify(value)}`).toBe('none');
    }
    for (const name of Object.keys(approval.binds)) {
      const { [name as keyof typeof approval.binds]: _left, ...rest } = approval.binds;
      expect(readStatement({ ...approval, binds: rest }).kind, `binds without ${name}`).toBe('none');
    }
    expect(readStatement({ ...approval, extra: 1 }).kind).toBe('none');
    expect(readStatement({ ...approval, binds: { ...approval.binds, extra: 1 } }).kind).toBe('none');
  });

  it('never throws, whatever it is given', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        expect(['statement', 'none']).toContain(readStatement(value).kind);
      }),
    );
  });
});

describe('a signed approval (invariant 5, T2)', () => {
  it('is accepted where it says just what is at the gate, and counts with its key', () => {
    expect(decideSigned(atTheGate, approval, NOW)).toEqual({ accepted: true });
    expect(obeySigned(atTheGate, signed(), NOW).approvals).toMatchObject([{ person: ADA, assurance: 'signed', key: 'SHA256:k' }]);
  });

  it('is refused with any one thing that it binds being another', () => {
    for (const name of Object.keys(approval.binds)) {
      const other = name === 'gate' ? 'retirement' : sha('9');
      const decision = decideSigned(atTheGate, { ...approval, binds: { ...approval.binds, [name]: other } }, NOW);
      expect(decision, name).toMatchObject({ accepted: false, code: name === 'to' ? 'WRONG_DIGEST' : 'STATEMENT_REFUSED' });
    }
    const others = { installation: 'other', mode: 'rehearsal', line: 'ios-beta', rotation: 'ios-main-2', epoch: 1_001 };
    for (const [name, value] of Object.entries(others))
      expect(decideSigned(atTheGate, { ...approval, [name]: value }, NOW), name).toMatchObject({
        accepted: false,
        code: 'STATEMENT_REFUSED',
      });
  });

  it('counts from when it was issued until it expires, and never for longer than a day', () => {
    const at = (issued: number, expires: number, now = NOW) =>
      decideSigned(atTheGate, { ...approval, issuedAt: new Date(issued).toISOString(), expiresAt: new Date(expires).toISOString() }, now)
        .accepted;
    expect(at(NOW, NOW + 1)).toBe(true);
    expect(at(NOW - 2, NOW)).toBe(false);
    expect(at(NOW + 4 * 60_000, NOW + 5 * 60_000)).toBe(true);
    expect(at(NOW + 6 * 60_000, NOW + 7 * 60_000)).toBe(false);
    expect(at(NOW, NOW)).toBe(false);
    expect(at(NOW, NOW + LONGEST_VALIDITY)).toBe(true);
    expect(at(NOW, NOW + LONGEST_VALIDITY + 1_000)).toBe(false);
  });

  it('does not come back after a withdrawal, and is forgotten only when it has expired', () => {
    const approved = obeySigned(atTheGate, signed(), NOW);
    const { binds: _binds, ...common } = approval;
    const withdrawal: CommandStatement = { ...common, says: 'withdraw', nonce: 'f'.repeat(32) };
    const withdrawn = obeySigned(approved, signed(withdrawal), NOW + 1);
    expect(withdrawn.approvals).toEqual([]);
    expect(decideSigned(withdrawn, approval, NOW + 2)).toMatchObject({ accepted: false, code: 'ALREADY_DECIDED' });
    expect(decideSigned(withdrawn, approval, NOW + 60_001)).toMatchObject({ accepted: false, code: 'STATEMENT_REFUSED' });
  });

  it('leaves alone what has let the rotation through, whoever has left the roster since', () => {
    const { binds: _binds, ...common } = approval;
    const rolling: RotationState = {
      ...obeySigned(atTheGate, signed({ ...approval, person: GRACE, nonce: 'a'.repeat(32) }), NOW),
      phase: 'rolling',
      gate: { ...gate, passedAt: NOW },
    };
    const paused = obeySigned(rolling, { ...signed({ ...common, says: 'pause' }), voided: [GRACE] }, NOW + 1);
    expect(paused).toMatchObject({ approvals: [{ person: GRACE }], paused: { by: ADA } });
  });

  it('takes with it what people have approved who have left the roster', () => {
    const byGrace = obeySigned(atTheGate, signed({ ...approval, person: GRACE, nonce: 'a'.repeat(32) }), NOW);
    const after = obeySigned(byGrace, { ...signed(), voided: [GRACE] }, NOW + 1);
    expect(after.approvals.map(({ person }) => person)).toEqual([ADA]);
    expect(changes(byGrace, after).map(({ text }) => text)).toContain(
      'the approval of grace counts no more: the roster does not bear it out any longer',
    );
  });
});

describe('a name that every object has', () => {
  it.each(['__proto__', 'constructor', 'toString'])('%s is nobody, and has no keys', (name) => {
    const person = name as PersonId;
    const byName: RotationState = { ...atTheGate, authority: { ...signing, assurance: 'name' } };
    expect(decide(byName, { command: 'pause', by: person, ticket: TICKET }, NOW)).toMatchObject({ accepted: false, code: 'NOT_ENTITLED' });
    expect(decideSigned(atTheGate, { ...approval, person }, NOW)).toMatchObject({ accepted: false, code: 'NOT_ENTITLED' });
    expect(keysOf(signing, person)).toEqual([]);
  });
});

describe('a gate that opens after a node has ceased to be simulated', () => {
  const before: RotationState = { ...atTheGate, gate: null, authority: { ...signing, assurance: 'name', keys: {} } };
  const opened = (assurance: Authority['assurance'], state = before) =>
    apply(state, { event: 'gate-opened', rights: atTheGate.rights, keys: { [ADA]: ['k1'] }, assurance, ...OPENED_WITH }, NOW);

  it('asks for signatures from then on, of those who can sign; never the other way round', () => {
    expect(opened('name').plan?.eligible).toEqual([ADA, GRACE]);
    expect(opened('signature')).toMatchObject({ authority: { assurance: 'signature' }, plan: { eligible: [ADA] } });
    expect(opened('name', { ...before, authority: signing }).authority.assurance).toBe('signature');
  });
});

describe('a name alone', () => {
  const { binds: _binds, ...common } = approval;
  const pause = commandOf({ ...common, says: 'pause' });

  it.each<[string, Authority, boolean]>([
    ['counts where every node is simulated and the person has no key', { ...signing, assurance: 'name', keys: {} }, true],
    ['does not count for who has a key, though every node is simulated', { ...signing, assurance: 'name' }, false],
    ['does not count where a node is not simulated', { ...signing, keys: {} }, false],
  ])('%s', (_, authority, counts) => {
    const decision = decide({ ...atTheGate, authority }, pause, NOW);
    expect(decision).toMatchObject(counts ? { accepted: true } : { accepted: false, code: 'SIGNATURE_NEEDED' });
  });
});
