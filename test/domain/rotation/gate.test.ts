import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LineName, PersonId } from '../../../src/domain/brands.js';
import { apply, newRotation } from '../../../src/domain/rotation/machine.js';
import type { Plan, RotationState } from '../../../src/domain/rotation/state.js';
import type { RosterCommand } from '../../../src/domain/roster.js';
import { MODEL_POLICY } from '../../exploration/policy.js';
import { OPENED_WITH, planOf } from './plan.js';

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
