/** The phases of rotation.md, in the order of a rotation that nothing disturbs. */
export const FORWARD_PHASES = [
  'scheduled',
  'awaiting-successor',
  'preflight',
  'staging',
  'canary',
  'awaiting-signoff',
  'rolling',
  'cutover',
  'soaking',
  'awaiting-retirement',
  'retiring',
  'completed',
] as const;

/** How a rotation ended. `parked`: `from` is active everywhere, `to` still staged. `partial`: closed by people, nodes listed. */
export const OUTCOMES = ['completed', 'rolled-back', 'parked', 'refused', 'cancelled', 'superseded', 'partial'] as const;
export type Outcome = (typeof OUTCOMES)[number];

export type Phase = (typeof FORWARD_PHASES)[number] | 'rolling-back' | 'escalated' | Outcome;

const NOTHING_CHANGED: readonly Phase[] = ['scheduled', 'awaiting-successor', 'preflight'];
const CAN_ROLL_BACK: readonly Phase[] = ['staging', 'canary', 'awaiting-signoff', 'rolling', 'cutover', 'soaking', 'awaiting-retirement'];

const NEXT: Readonly<Partial<Record<Phase, readonly Phase[]>>> = {
  scheduled: ['awaiting-successor'],
  'awaiting-successor': ['preflight'],
  preflight: ['staging'],
  staging: ['canary'],
  canary: ['awaiting-signoff'],
  'awaiting-signoff': ['rolling', 'canary', 'parked'],
  rolling: ['cutover'],
  cutover: ['soaking'],
  soaking: ['awaiting-retirement', 'retiring'],
  'awaiting-retirement': ['retiring'],
  retiring: ['completed', 'escalated', 'rolling-back'],
  'rolling-back': ['rolled-back', 'parked', 'escalated'],
  // An emergency has no way back: it takes up staging and the canary again.
  escalated: ['rolling-back', 'staging', 'canary', 'rolling', 'retiring', 'partial'],
};

/** Whether no node has been changed yet in this phase. */
export const isBeforeChange = (phase: Phase): boolean => NOTHING_CHANGED.includes(phase);
/** Whether a failure or a command in this phase leads to an ordered rollback by itself. */
export const canRollBack = (phase: Phase): boolean => CAN_ROLL_BACK.includes(phase);
export const isTerminal = (phase: Phase): phase is Outcome => (OUTCOMES as readonly Phase[]).includes(phase);

/** Whether the diagram of rotation.md has an arrow from one phase to the other. */
export function isLegalTransition(from: Phase, to: Phase): boolean {
  if (isBeforeChange(from) && (to === 'refused' || to === 'cancelled')) return true;
  if (canRollBack(from) && (to === 'rolling-back' || to === 'escalated')) return true;
  if (to === 'superseded') return !isTerminal(from);
  return (NEXT[from] ?? []).includes(to);
}

export const ALL_PHASES: readonly Phase[] = [...new Set<Phase>([...FORWARD_PHASES, 'rolling-back', 'escalated', ...OUTCOMES])];
