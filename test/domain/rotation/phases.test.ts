import { describe, expect, it } from 'vitest';
import {
  ALL_PHASES,
  canRollBack,
  FORWARD_PHASES,
  isBeforeChange,
  isLegalTransition,
  isTerminal,
  OUTCOMES,
} from '../../../src/domain/rotation/phases.js';

const targets = (from: (typeof ALL_PHASES)[number]): readonly string[] => ALL_PHASES.filter((to) => isLegalTransition(from, to));

describe('the diagram of phases (invariant 6)', () => {
  it('has no way out of an end', () => {
    for (const outcome of OUTCOMES) expect(targets(outcome)).toEqual([]);
  });

  it('goes forward one phase at a time, but for the second gate, which policy may leave out', () => {
    FORWARD_PHASES.forEach((from, index) => {
      const forward = targets(from).filter((to) => (FORWARD_PHASES as readonly string[]).indexOf(to) > index);
      const next = FORWARD_PHASES[index + 1];
      expect(forward).toEqual(from === 'soaking' ? ['awaiting-retirement', 'retiring'] : next === undefined ? [] : [next]);
    });
  });

  it('refuses and cancels only while no node was changed, and rolls back only after that', () => {
    for (const phase of ALL_PHASES) {
      expect(isLegalTransition(phase, 'refused')).toBe(isBeforeChange(phase));
      expect(isLegalTransition(phase, 'cancelled')).toBe(isBeforeChange(phase));
      expect(isLegalTransition(phase, 'rolling-back')).toBe(canRollBack(phase) || phase === 'retiring' || phase === 'escalated');
      expect(isLegalTransition(phase, 'rolled-back')).toBe(phase === 'rolling-back');
    }
  });

  it('lets an emergency supersede everything that has not ended', () => {
    for (const phase of ALL_PHASES) expect(isLegalTransition(phase, 'superseded')).toBe(!isTerminal(phase));
  });

  it('leaves no phase from which no end can be reached', () => {
    for (const phase of ALL_PHASES) {
      const reached = new Set<string>([phase]);
      for (const one of reached) for (const to of targets(one as typeof phase)) reached.add(to);
      expect(OUTCOMES.some((outcome) => reached.has(outcome))).toBe(true);
    }
  });
});
