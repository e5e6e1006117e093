import { describe, expect, it } from 'vitest';
import type { LineName, PersonId, RotationId } from '../../../src/domain/brands.js';
import { decide } from '../../../src/domain/rotation/commands.js';
import { newRotation, settle } from '../../../src/domain/rotation/machine.js';
import { adopted, holdsLine, isDrivenByNothing, orphanInWords, unadoptable, whatToDo } from '../../../src/domain/rotation/orphan.js';
import type { AdoptStatement } from '../../../src/domain/rotation/statement.js';
import { epochOf, type RotationState } from '../../../src/domain/rotation/state.js';
import { PolicySchema } from '../../../src/schema/policy.js';
import { planOf } from './plan.js';

const NOW = Date.parse('2026-11-23T12:00:00Z');
const line = 'ios-main' as LineName;
const id = 'ios-main-7' as RotationId;
const rita = 'rita' as PersonId;
const plan = planOf({ waves: [1, 2], horizon: NOW + 6 * 86_400_000 });
const trigger = { kind: 'person', by: rita, ticket: 'CHG-7' } as const;
const policy = PolicySchema.parse({ schemaVersion: 1, scan: { ticket: 'CHG-1' } });
const left: RotationState = {
  ...newRotation(line, trigger, policy, 0, NOW - 3_600_000),
  ...{
    id,
    k: 7,
    d: 1,
    plan,
    phase: 'rolling' as const,
    done: { staged: 'done', switched: ['done', 'begun'], head: 'no', retired: 'no' } as const,
  },
  work: { operation: 'switch', wave: 1, handled: 1, again: [] },
  approvals: [{ person: 'ada' as PersonId, digest: plan.to, ticket: 'CHG-7', at: NOW - 60_000, assurance: 'asserted' }],
  heard: [{ nonce: 'a'.repeat(32), expiresAt: NOW + 60_000 }, { nonce: 'b'.repeat(32), expiresAt: NOW - 60_000 }], // prettier-ignore
};
const statement = { says: 'adopt', rotation: id, epoch: 7_001, nonce: 'c'.repeat(32), expiresAt: '2026-11-23T12:15:00Z' } as AdoptStatement;

describe('a rotation is orphaned', () => {
  it('where its workflow is not open, or another rotation is; not while one has yet to say which it is', () => {
    expect(isDrivenByNothing({ id }, { open: false })).toBe(true);
    expect(isDrivenByNothing({ id }, { open: true, rotation: 'ios-main-new' })).toBe(true);
    expect(isDrivenByNothing({ id }, { open: true, rotation: null })).toBe(false);
    expect(isDrivenByNothing({ id }, { open: true, rotation: id })).toBe(false);
  });

  it('and holds its line once it had changed nodes, for as long as it can be adopted', () => {
    expect(holdsLine({ phase: 'staging', run: 'kept' })).toBe(true);
    expect(holdsLine({ phase: 'preflight', run: 'kept' })).toBe(false);
    expect(holdsLine({ phase: 'rolling', run: 'gone' })).toBe(false);
  });

  it('and what to do is named: adopt it, or bring the nodes back and begin anew', () => {
    expect(orphanInWords({ id, line, phase: 'rolling', run: 'kept' })).toMatch(/^ios-main-7 is orphaned in rolling: .*--adopt ios-main-7/);
    for (const command of ['node inspect', 'node restore', 'rotation start --line ios-main'])
      expect(whatToDo({ id, line, run: 'gone' })).toContain(command);
  });

  it('and is not adopted as another one, for another line, or when it has ended', () => {
    expect(unadoptable(left, { id, line })).toBeNull();
    expect(unadoptable(left, { id: 'ios-main-8' as RotationId, line })).toContain('of ios-main-7, not of ios-main-8');
    expect(unadoptable(left, { id, line: 'ios-beta' as LineName })).toContain('of ios-main, not of ios-beta');
    expect(unadoptable({ ...left, phase: 'parked' }, { id, line })).toBe('ios-main-7 has ended as parked');
  });
});

describe('an adopted rotation', () => {
  const after = adopted(left, { by: 'grace' as PersonId, ticket: 'INC-4', at: NOW, signed: { statement, signature: '' } }, NOW);

  it('is the same one in a new epoch, with who adopted it and where it was found', () => {
    expect(epochOf(after)).toBe(7_002);
    const { d: _d, heard: _heard, adoptions, ...same } = after;
    const { d: _before, heard: _heardBefore, ...was } = left;
    expect(same).toEqual(was);
    expect(adoptions).toMatchObject([{ by: 'grace', ticket: 'INC-4', phase: 'rolling', at: NOW }]);
    expect(adopted(after, { by: rita, ticket: 'INC-5', at: NOW, signed: null }, NOW).adoptions).toHaveLength(2);
  });

  it('has heard the word that adopted it, and forgets what has expired', () => {
    expect(after.heard.map(({ nonce }) => nonce)).toEqual(['a'.repeat(32), 'c'.repeat(32)]);
  });

  it('goes on as after a long sleep, and its requester still decides nothing', () => {
    expect(settle(after, NOW)).toMatchObject({ phase: 'rolling', work: left.work });
    const gate = { ...after, phase: 'awaiting-signoff' as const };
    expect(decide(gate, { command: 'approve', by: rita, ticket: 'CHG-7', digest: plan.to }, NOW)).toMatchObject({ accepted: false });
  });
});
