import type { Instant } from '../brands.js';
import { serialLast6 } from '../serial.js';
import { approvalsNeeded } from './emergency.js';
import { countingApprovals } from './moves.js';
import type { QuestionId, RotationState } from './state.js';

/** What people are woken for, where an emergency waits for them: sentences that follow the question and its options. */
export function urgentInWords(state: RotationState, question: QuestionId, now: Instant): string {
  const { emergency, plan, id } = state;
  if (emergency === undefined || question !== 'approve-now' || plan === null) return '';
  const [have, needed] = [countingApprovals(state, now).length, approvalsNeeded(state)];
  return `. The certificate of serial …${serialLast6(emergency.revoked)} was revoked; ${have} of ${needed} persons have approved what replaces it: reseal rotation status ${id}`;
}
