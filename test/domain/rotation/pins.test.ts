import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LineName, NodeName, PersonId } from '../../../src/domain/brands.js';
import type { PinsSeen } from '../../../src/domain/node/pins.js';
import { newRotation } from '../../../src/domain/rotation/machine.js';
import { buildsDrainedAt, judgePins, lookAt, seenInSoak, together } from '../../../src/domain/rotation/pins.js';
import type { RotationPins, RotationState } from '../../../src/domain/rotation/state.js';
import { MODEL_POLICY } from '../../exploration/policy.js';
import { planOf, sha } from './plan.js';

const FROM = sha('a');
const instants = fc.integer({ min: 0, max: 10_000 });
const pins: fc.Arbitrary<RotationPins> = fc.record({
  held: fc.option(fc.record({ builds: fc.constant(1), nodes: fc.constant([]), jobs: fc.constant([]), soonest: instants }), { nil: null }),
  known: fc.constantFrom('all' as const, 'some' as const),
  lookAgainAt: instants,
  patience: fc.option(instants, { nil: null }),
  orders: fc.constantFrom('heed' as const, 'ignore' as const),
});
const states: fc.Arbitrary<RotationState> = fc
  .record({
    pins: fc.option(pins, { nil: null }),
    phase: fc.constantFrom('soaking' as const, 'retiring' as const, 'rolling-back' as const),
    horizon: fc.integer({ min: 0, max: 10_000 }),
    offset: fc.integer({ min: -500, max: 500 }),
    lastSwitchAt: instants,
  })
  .map(({ horizon, offset, ...more }) => ({
    ...newRotation('ios-main' as LineName, { kind: 'person', by: 'rita' as PersonId, ticket: 'CHG-1' }, MODEL_POLICY, offset, 0),
    plan: planOf({ waves: [1], horizon, pipelines: ['release'] }),
    served: true,
    ...more,
  }));

describe('builds that hold what is to go (rotation.md, "Pins")', () => {
  it('are waited for while they are known and neither overdue nor overruled; forward never beyond the horizon, and never for ever', () => {
    fc.assert(
      fc.property(states, instants, (state, now) => {
        const verdict = judgePins(state, now);
        const forward = state.phase !== 'rolling-back';
        const horizon = (state.plan?.horizon ?? 0) - state.offset;
        const held = (state.pins?.held ?? null) !== null && state.pins?.orders === 'heed' && !(forward && now >= horizon);
        expect(verdict.pins === 'free').toBe(!held);
        if (verdict.pins !== 'held') return;
        expect(verdict.until).toBeGreaterThan(now);
        if (forward) expect(verdict.until).toBeLessThanOrEqual(horizon);
        // Left to itself it comes to an end: by the calendar, or by a question.
        expect(judgePins(state, verdict.until).pins).not.toBe('held');
      }),
    );
  });

  it('are overdue when their lease has ended, and when nobody who has pinned may still be at it; people who say wait are given a whole build', () => {
    fc.assert(
      fc.property(states, instants, (state, now) => {
        const { pins: known } = state;
        if (!known?.held || known.orders === 'ignore' || judgePins(state, now).pins === 'free') return;
        const overdue = judgePins(state, now).pins === 'overdue';
        if (known.patience !== null) expect(overdue).toBe(now >= known.patience);
        else if (now >= known.held.soonest) expect(overdue).toBe(true);
      }),
    );
  });

  it('a node or a declared pipeline that has pinned nothing is unknown: then the longest build is waited for, and only then', () => {
    const seen = fc.record({ silent: fc.nat(2), pipelines: fc.subarray(['release', 'nightly']), held: fc.constant(null) });
    fc.assert(
      fc.property(states, seen, (state, look) => {
        const after = { ...state, pins: seenInSoak(state, look, 0) };
        const all = look.silent === 0 && look.pipelines.includes('release');
        const wait = buildsDrainedAt(after) - (after.lastSwitchAt ?? 0);
        expect(wait).toBe(all ? 0 : MODEL_POLICY.retirement.maxBuildDuration);
      }),
    );
    expect(buildsDrainedAt(newRotation('l' as LineName, { kind: 'person', by: 'r' as PersonId, ticket: 'C-1' }, MODEL_POLICY, 0, 0))).toBe(
      MODEL_POLICY.retirement.maxBuildDuration,
    );
  });

  it('looks at parts of a mesh say together what one look at the whole says', () => {
    const answer: fc.Arbitrary<{ node: NodeName; pins: PinsSeen }> = fc.record({
      node: fc.stringMatching(/^n[0-9]$/).map((name) => name as NodeName),
      pins: fc.record({
        pipelines: fc.subarray(['release', 'nightly']),
        manifests: fc.subarray([
          { manifest: FROM, builds: 2, soonest: 7, jobs: ['a', 'b'] },
          { manifest: sha('b'), builds: 1, soonest: 3, jobs: ['c'] },
        ]),
      }),
    });
    fc.assert(
      fc.property(fc.array(answer, { minLength: 1 }), fc.nat(20), (answers, cut) => {
        const parts = [answers.slice(0, cut), answers.slice(cut)].flatMap((part) => (part.length === 0 ? [] : (lookAt(part, FROM) ?? [])));
        expect(together(parts)).toEqual(lookAt(answers, FROM));
        expect(lookAt(answers, FROM)?.held?.builds ?? 0).toBe(
          2 * answers.filter((one) => one.pins.manifests.some(({ manifest }) => manifest === FROM)).length,
        );
      }),
    );
  });
});
