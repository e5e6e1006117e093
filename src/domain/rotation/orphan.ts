import type { Instant, LineName, RotationId } from '../brands.js';
import { isBeforeChange, isTerminal, type Phase } from './phases.js';
import type { Adoption, RotationState } from './state.js';

/** A rotation that has not ended, and that no workflow drives any more: its own was terminated, or is not there. */
export interface Orphan {
  readonly id: RotationId;
  readonly line: LineName;
  /** As last recorded. */
  readonly phase: Phase;
  /** `kept`: Temporal has the run that was cut off, which says how far it came. `gone`: nobody can say that any more. */
  readonly run: 'kept' | 'gone';
}

/** What Temporal has open on a line. */
export type OpenRun =
  | { readonly open: false }
  /** `rotation`: which one it says it is; null: it has not said so yet. */
  | { readonly open: true; readonly rotation: string | null };

/** Whether a rotation that is on record as not ended, and has no closing record, is driven by nothing. */
export const isDrivenByNothing = ({ id }: { readonly id: string }, run: OpenRun): boolean =>
  !run.open || (run.rotation !== null && run.rotation !== id);

/** Whether nodes belong to it until somebody has adopted it: nothing else is begun on its line, and no node is brought anywhere. */
export const holdsLine = ({ phase, run }: Pick<Orphan, 'phase' | 'run'>): boolean => run === 'kept' && !isBeforeChange(phase);

/** What is to be done about it, in words that end a sentence. */
export function whatToDo({ id, line, run }: Pick<Orphan, 'id' | 'line' | 'run'>): string {
  return run === 'kept'
    ? `adopt it, and it goes on from there: reseal rotation start --adopt ${id} --as PERSON --ticket TICKET`
    : `Temporal has no run of it that could say how far it came, so nobody can adopt it: look at the nodes (reseal node inspect NODE), bring each to what is in force (reseal node restore NODE --line ${line} --as PERSON --ticket TICKET), then start anew (reseal rotation start --line ${line} --as PERSON --ticket TICKET)`;
}

/** A sentence without a full stop. */
export const orphanInWords = (orphan: Orphan): string =>
  `${orphan.id} is orphaned in ${orphan.phase}: its workflow has ended without an outcome; ${whatToDo(orphan)}`;

/** Why a rotation cannot be adopted as it was left; null: it can. In words that end a sentence. */
export function unadoptable(
  { id, line, phase }: RotationState,
  asked: { readonly id: RotationId; readonly line: LineName },
): string | null {
  if (id !== asked.id) return `the run that was found is of ${id}, not of ${asked.id}`;
  if (line !== asked.line) return `${id} is a rotation of ${line}, not of ${asked.line}`;
  return isTerminal(phase) ? `${id} has ended as ${phase}` : null;
}

/**
 * The rotation as its workflow left it, in a new epoch: nodes that have followed an order of it refuse those that the dead run had sent. Work that was under
 * way had not been counted, and is begun again.
 */
export function adopted(state: RotationState, adoption: Omit<Adoption, 'phase'>, now: Instant): RotationState {
  const { signed } = adoption;
  const heard = state.heard.filter((one) => one.expiresAt > now);
  return {
    ...state,
    d: state.d + 1,
    heard: signed === null ? heard : [...heard, { nonce: signed.statement.nonce, expiresAt: Date.parse(signed.statement.expiresAt) }],
    adoptions: [...(state.adoptions ?? []), { ...adoption, phase: state.phase }],
  };
}
