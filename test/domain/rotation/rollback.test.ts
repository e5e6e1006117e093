import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LineName, PersonId, Sha256 } from '../../../src/domain/brands.js';
import { apply, newRotation } from '../../../src/domain/rotation/machine.js';
import { rollbackPlan, undo } from '../../../src/domain/rotation/rollback.js';
import type { Done, HeadReached, Reached } from '../../../src/domain/rotation/state.js';
import { MODEL_POLICY } from '../../exploration/policy.js';
import { planOf, sha } from './plan.js';

const reached = fc.constantFrom<Reached>('no', 'begun', 'done');
const dones: fc.Arbitrary<Done> = fc.record({
  staged: reached,
  switched: fc.array(reached, { minLength: 1, maxLength: 6 }),
  head: fc.constantFrom<HeadReached>('no', 'begun', 'done', 'put-off'),
  retired: reached,
});
const NOTHING = (done: Done): Done => ({ staged: 'no', switched: done.switched.map(() => 'no'), head: 'no', retired: 'no' });

describe('the rollback plan (R6, invariant 7)', () => {
  it('restores first, then the head, then the cohorts from the last to the canary, and takes the new assets away last; a head put off comes after the cohorts', () => {
    fc.assert(
      fc.property(dones, (done) => {
        const plan = rollbackPlan(done);
        const steps =
          done.head === 'put-off' ? ['restore', 'return', 'return-head', 'unstage'] : ['restore', 'return-head', 'return', 'unstage'];
        const order = plan.map((step) => steps.indexOf(step.do));
        expect(order).toEqual([...order].sort());
        const waves = plan.flatMap((step) => (step.do === 'return' ? [step.wave] : []));
        expect(waves).toEqual([...waves].sort((a, b) => b - a));
      }),
    );
  });

  it('undoes exactly what was begun: begun counts as done, and nothing else is touched', () => {
    fc.assert(
      fc.property(dones, (done) => {
        const plan = rollbackPlan(done);
        expect(plan.some((step) => step.do === 'restore')).toBe(done.retired !== 'no');
        expect(plan.some((step) => step.do === 'return-head')).toBe(done.head !== 'no');
        expect(plan.some((step) => step.do === 'unstage')).toBe(done.staged !== 'no');
        done.switched.forEach((one, wave) => expect(plan.some((step) => step.do === 'return' && step.wave === wave)).toBe(one !== 'no'));
      }),
    );
  });

  it('comes to the same end however often it is interrupted, and whatever is repeated', () => {
    fc.assert(
      fc.property(dones, fc.array(fc.nat(3)), (done, repeats) => {
        let left = done;
        for (let turn = 0; rollbackPlan(left).length > 0; turn++) {
          const [step] = rollbackPlan(left);
          if (step === undefined) break;
          const before = rollbackPlan(left);
          // An interrupted step is taken again: taking it twice is taking it once.
          for (let again = 0; again <= (repeats[turn] ?? 0); again++) left = undo(left, step);
          expect(rollbackPlan(left)).toEqual(before.slice(1));
        }
        expect(left).toEqual(NOTHING(done));
      }),
    );
  });
});

describe('the head of a line that went back late', () => {
  const FROM = sha('a');
  const cutover = {
    ...newRotation('ios-main' as LineName, { kind: 'person', by: 'rita' as PersonId, ticket: 'CHG-1' }, MODEL_POLICY, 0, 0),
    phase: 'cutover' as const,
    headSeq: 4,
    plan: planOf({ waves: [1], horizon: 9_000, from: FROM }),
    done: { staged: 'done', switched: ['done'], head: 'begun', retired: 'no' } as Done,
  };
  const lost = (found: { readonly seq: number; readonly digest: Sha256 } | null) =>
    apply(cutover, { event: 'head-lost', reason: 'moved', found }, 1);

  it('is no head of somebody else: the move is tried again from where it is', () => {
    expect(lost({ seq: 6, digest: FROM })).toMatchObject({ phase: 'cutover', headSeq: 6, question: null, done: { head: 'no' } });
  });

  it('any other head asks, and an older number counts for nothing', () => {
    for (const found of [{ seq: 6, digest: sha('c') }, { seq: 4, digest: FROM }, null])
      expect(lost(found)).toMatchObject({ headSeq: 4, question: { id: 'head-moved' } });
  });
});
