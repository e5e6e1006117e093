import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LineName, PersonId } from '../../../src/domain/brands.js';
import type { Uncounted } from '../../../src/domain/adopted-rosters.js';
import { decide } from '../../../src/domain/rotation/commands.js';
import type { RosterAtGate } from '../../../src/domain/rotation/events.js';
import { changes } from '../../../src/domain/rotation/history.js';
import { apply, newRotation, next, settle } from '../../../src/domain/rotation/machine.js';
import { latestApprovalOf } from '../../../src/domain/rotation/moves.js';
import type { Plan, RotationState } from '../../../src/domain/rotation/state.js';
import type { RosterCommand } from '../../../src/domain/roster.js';
import { MODEL_POLICY } from '../../exploration/policy.js';
import { OPENED_WITH, planOf, sha } from './plan.js';

const REQUESTER = 'rita' as PersonId;
const PEOPLE = ['ada', 'carol', 'grace', 'rita'] as PersonId[];

const atTheGate = (plan: Pick<Plan, 'eligible' | 'importers'>): RotationState => ({
  ...newRotation('ios-main' as LineName, { kind: 'person', by: REQUESTER, ticket: 'CHG-1' }, MODEL_POLICY, 0, 0),
  phase: 'awaiting-signoff',
  plan: planOf({ waves: [1], horizon: 1_000_000, ...plan }),
});

const rosters = fc.dictionary(fc.constantFrom(...PEOPLE), fc.subarray<RosterCommand>(['approve', 'reject', 'start'])) as fc.Arbitrary<
  Record<PersonId, RosterCommand[]>
>;

describe('a gate that opens (R5, invariant 4)', () => {
  it('lets exactly those approve whom the roster lets approve then, but for requester and importers', () => {
    fc.assert(
      fc.property(rosters, fc.subarray(PEOPLE), fc.subarray(PEOPLE), (rights, importers, eligible) => {
        const opened = apply(
          atTheGate({ eligible, importers }),
          { event: 'gate-opened', rights, keys: {}, assurance: 'name', ...OPENED_WITH },
          1,
        );
        const may = PEOPLE.filter(
          (person) => rights[person]?.includes('approve') === true && person !== REQUESTER && !importers.includes(person),
        );
        expect([...(opened.plan?.eligible ?? [])].sort()).toEqual(may);
        expect(opened.approvals).toEqual([]);
      }),
    );
  });
});

describe('a gate and the roster that people adopted (T2)', () => {
  const FAR = 4_000_000_000_000;
  const SWITCHED = { staged: 'done', switched: ['done'], head: 'no', retired: 'no' } as const;
  const RIGHTS = { ada: ['approve', 'reject'], grace: ['approve'], carol: ['approve'], rita: ['approve', 'reject'] } as Readonly<
    Record<PersonId, RosterCommand[]>
  >;
  const before = { ...atTheGate({ eligible: [], importers: [] }), plan: planOf({ waves: [1], horizon: FAR }), done: SWITCHED };
  const out = (person: string, keys: readonly string[] | null = null): Uncounted => ({
    person: person as PersonId,
    keys,
    as: 'added',
    because: 'was added alone',
  });
  const opening = (state: RotationState, adoption: RosterAtGate, now: number): RotationState =>
    apply(state, { event: 'gate-opened', rights: RIGHTS, keys: {}, assurance: 'name', ...OPENED_WITH, adoption }, now);
  const missing = (now = 1) => opening(before, { reason: 'nobody has adopted it', uncounted: [] }, now);

  it('does not open without one, tells people once, looks again, and opens when there is one', () => {
    const waiting = missing();
    expect(waiting.gate).toBeNull();
    expect(changes(before, waiting)).toEqual([
      expect.objectContaining({ kind: 'gate', text: 'the gate does not open: nobody has adopted it' }),
    ]);
    const action = next(waiting, 1);
    expect(action).toMatchObject({ do: 'wait', until: 5_001 });
    expect(next(waiting, 5_001)).toEqual({ do: 'open-gate' });
    const again = opening(waiting, { reason: 'nobody has adopted it yet', uncounted: [] }, 5_001);
    expect(changes(waiting, again)).toEqual([]);
    const opened = opening(again, { reason: null, uncounted: [] }, 10_001);
    expect(opened.gate?.openedAt).toBe(10_001);
    expect(opened.awaitedRoster).toBeNull();
  });

  it('is looked for less and less often, but every 5 minutes', () => {
    const later = opening(missing(), { reason: 'nobody has', uncounted: [] }, 86_400_000);
    expect(later.awaitedRoster?.lookAgainAt).toBe(86_400_000 + 300_000);
  });

  it('reminds people while it is shut, as it does while it is open', () => {
    const waiting = missing();
    const due = 1 + MODEL_POLICY.gate.remindEvery;
    expect(next(waiting, due)).toEqual({ do: 'remind', widened: false });
    expect(apply(waiting, { event: 'reminded' }, due).awaitedRoster?.tellAt).toBe(due + MODEL_POLICY.gate.remindEvery);
  });

  it('brings the canary back while there is time, where it stays shut (R7)', () => {
    const waiting = missing();
    const latest = latestApprovalOf(waiting) ?? 0;
    expect(settle(waiting, latest - 1).phase).toBe('awaiting-signoff');
    const back = settle(waiting, latest);
    expect([back.phase, back.park]).toEqual(['rolling-back', true]);
    expect(back.reasons.at(-1)).toBe('the gate did not open in time: nobody has adopted it');
  });

  it('stays shut where those who count are too few, for a second person could only adopt it afterwards', () => {
    const shut = opening(before, { reason: null, uncounted: [out('ada'), out('grace')] }, 1);
    expect(shut.gate).toBeNull();
    expect(shut.awaitedRoster?.reason).toMatch(
      /2 approvals are needed and only carol may give one \(not: ada was added alone; grace was added alone\); a second person adopts it/,
    );
  });

  it('lets those who do not count reject and not approve, and says why', () => {
    const open = opening(before, { reason: null, uncounted: [out('ada'), out('rita'), out('carol', ['ssh-ed25519 AAAA'])] }, 1);
    expect([...(open.plan?.eligible ?? [])].sort()).toEqual(['carol', 'grace']);
    // The requester decides on nothing in any case.
    expect(open.gate?.uncounted?.map(({ person }) => person)).toEqual(['ada', 'carol']);
    const says = (command: 'approve' | 'reject', by: string) =>
      decide(open, { command, by: by as PersonId, ticket: 'CHG-1', digest: sha('b') }, 2);
    expect(says('approve', 'ada')).toMatchObject({
      accepted: false,
      code: 'NOT_ENTITLED',
      reason: expect.stringContaining('ada was added alone'),
    });
    expect(says('reject', 'ada')).toEqual({ accepted: true });
    expect(says('reject', 'rita')).toMatchObject({ accepted: false, reason: expect.stringContaining('the requester does not decide') });
    expect(says('approve', 'carol')).toEqual({ accepted: true });
  });
});
