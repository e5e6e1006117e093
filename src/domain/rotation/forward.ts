import type { Instant } from '../brands.js';
import { isEmergency } from './emergency.js';
import { retry } from './obey.js';
import type { RotationState, Trouble } from './state.js';

const turnOf = ({ task, node }: Trouble): string => `${task} ${node}`;

/**
 * What an emergency makes of nodes in trouble when a task is through: each of them has one more turn by itself. Null: all of them had it, or it is
 * none, and people are asked. Nobody opens a keychain by trying again.
 */
export function retriedByItself(state: RotationState, now: Instant): RotationState | null {
  if (!isEmergency(state)) return null;
  const { emergency } = state;
  const had = emergency.retried ?? [];
  const turn = state.troubles.filter((trouble) => trouble.outcome !== 'locked' && !had.includes(turnOf(trouble)));
  if (turn.length === 0) return null;
  const again = retry(
    state,
    turn.map(({ node }) => node),
    now,
  );
  return { ...again, emergency: { ...emergency, retried: [...had, ...turn.map(turnOf)] } };
}
