import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LineName, PersonId } from '../../../src/domain/brands.js';
import { decide } from '../../../src/domain/rotation/commands.js';
import { newRotation, settle } from '../../../src/domain/rotation/machine.js';
import { obey } from '../../../src/domain/rotation/obey.js';
import { ask, OPTIONS } from '../../../src/domain/rotation/questions.js';
import { QUESTIONS, type Gate, type QuestionId, type Reached, type RotationState } from '../../../src/domain/rotation/state.js';
import type { Phase } from '../../../src/domain/rotation/phases.js';
import { lastAutomaticRollback } from '../../../src/domain/rotation/timeline.js';
import { policies } from './arbitrary.js';
import { OPENED_WITH, planOf, sha } from './plan.js';

const NOW = 1_800_000_000_000;
const TICKET = 'CHG-1';
const ADA = 'ada' as PersonId;
const TO = sha('b');

/** Where each question is put. */
const ASKED_IN: Readonly<Record<QuestionId, readonly Phase[]>> = {
  stalled: ['rolling', 'cutover', 'soaking'],
  inconclusive: ['staging', 'canary', 'rolling'],
  'node-offline': ['staging', 'canary'],
  'keychain-locked': ['staging', 'canary', 'rolling'],
  'approve-now': ['awaiting-signoff'],
  'head-moved': ['cutover'],
  'pin-overdue': ['soaking', 'retiring', 'rolling-back'],
  'node-not-back': ['escalated'],
  'retire-failed': ['escalated'],
  'past-horizon': ['escalated'],
};

interface Asked {
  readonly id: QuestionId;
  readonly before: RotationState;
  readonly after: RotationState;
}

/** Any question, in a phase in which it is put, with the horizon near or far or past. */
const questions: fc.Arbitrary<Asked> = fc
  .record({
    id: fc.constantFrom(...QUESTIONS),
    phase: fc.nat(2),
    policy: policies,
    left: fc.integer({ min: -1_000_000, max: 10_000_000 }),
    offset: fc.integer({ min: -1_000_000, max: 1_000_000 }),
    passed: fc.boolean(),
    maxUnavailable: fc.integer({ min: 1, max: 3 }),
  })
  .map(({ id, phase, policy, left, offset, passed, maxUnavailable }) => {
    const phases = ASKED_IN[id];
    const plan = planOf({ waves: [1, 2], maxUnavailable, horizon: NOW + offset + left, eligible: [ADA] });
    const gate: Gate = {
      kind: 'signoff',
      ...OPENED_WITH,
      openedAt: NOW,
      deadline: NOW + 1,
      remindAt: NOW + 1,
      widenAt: NOW + 1,
      silence: 'no',
      passedAt: passed ? NOW : null,
    };
    const before: RotationState = {
      ...newRotation('ios-main' as LineName, { kind: 'person', by: 'rita' as PersonId, ticket: TICKET }, policy, offset, NOW),
      phase: phases[phase % phases.length] ?? 'escalated',
      plan,
      gate,
      done: { staged: 'done', switched: plan.waves.map((): Reached => 'done'), head: 'no', retired: 'no' },
      rights: { [ADA]: ['answer', 'approve', 'reject', 'close', 'rollback'] },
    };
    return { id, before, after: ask(before, { id, nodes: [] }, NOW) };
  });

describe('a question (R6, invariant 9)', () => {
  it('offers something, and only what belongs to it', () => {
    fc.assert(
      fc.property(questions, ({ id, after }) => {
        expect(after.question?.options.length).toBeGreaterThan(0);
        for (const option of after.question?.options ?? []) expect(OPTIONS[id]).toContain(option);
      }),
    );
  });

  it('that stays has no deadline and pages at once; any other has one, never before it is asked nor after the last automatic rollback', () => {
    fc.assert(
      fc.property(questions, ({ id, after }) => {
        const { question, plan, policy, offset } = after;
        if (question === null || plan === null) throw new Error('nothing is asked');
        expect(question.nextPageAt).toBe(NOW);
        if (id === 'pin-overdue') {
          // Builds are waited for until the old assets are dead, or have to stay as the only ones.
          const life = after.phase === 'rolling-back' ? policy.rollback.minLifeAfterRollback : 0;
          expect(question.deadline).toBe(Math.max(NOW, plan.horizon - life - offset));
          return;
        }
        expect(question.deadline === null).toBe(question.unanswered === 'stays');
        if (question.deadline === null) return;
        expect(question.deadline).toBeGreaterThanOrEqual(NOW);
        const latest = lastAutomaticRollback(plan.horizon, plan.nodes, plan.maxUnavailable, policy) - offset;
        if (latest > NOW) expect(question.deadline).toBeLessThan(latest);
        else expect(question.deadline).toBe(NOW);
      }),
    );
  });

  it('offers going on only where the gate was passed, and where it stays a way back only while the old assets live', () => {
    fc.assert(
      fc.property(questions, ({ after }) => {
        const { question, plan, gate, offset } = after;
        if (question === null || plan === null) throw new Error('nothing is asked');
        if (question.options.includes('resume')) expect(gate?.passedAt).not.toBeNull();
        if (question.unanswered === 'stays' && question.options.includes('rollback')) expect(NOW + offset).toBeLessThan(plan.horizon);
      }),
    );
  });

  it('is settled by its own deadline: nothing waits for ever, and silence never goes forward', () => {
    fc.assert(
      fc.property(questions, ({ id, after }) => {
        const deadline = after.question?.deadline ?? null;
        if (deadline === null) {
          expect(settle(after, NOW + 10_000_000_000).question?.id).toBe(id);
          return;
        }
        const settled = settle(after, deadline);
        expect(settled.question?.id).not.toBe(id);
        // The old assets are dead: they go. On the way back the new ones stay.
        if (id === 'pin-overdue') {
          expect(after.phase === 'rolling-back' ? settled.park : settled.pins?.orders === 'ignore').toBe(true);
          expect(settled.reasons.join()).toContain(id);
          return;
        }
        expect(['rolling-back', 'escalated', 'parked']).toContain(settled.phase);
        expect(settled.reasons.join()).toContain(id);
      }),
    );
  });

  it('is closed by every answer that is accepted, and every answer that it offers is accepted while the old assets live', () => {
    fc.assert(
      fc.property(questions, ({ id, after }) => {
        const { question, plan, offset } = after;
        if (question === null || plan === null) throw new Error('nothing is asked');
        for (const option of question.options) {
          const answer = { command: 'answer', by: ADA, ticket: TICKET, question: id, option, digest: TO } as const;
          const decision = decide(after, answer, NOW);
          if (NOW + offset < plan.horizon) expect([option, decision.accepted]).toEqual([option, true]);
          if (!decision.accepted) continue;
          const answered = settle(obey(after, answer, NOW), NOW);
          // One approval of several does not close it; what is retried may ask again when it has been tried.
          if (option !== 'approve') expect(answered.question?.askedAt === question.askedAt && answered.question.id === id).toBe(false);
        }
      }),
    );
  });
});
