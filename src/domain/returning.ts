import type { Duration, Instant, LineName, NodeName, Sha256 } from './brands.js';

/** What a look at the mesh for nodes that came back goes by; `policy.returning`. */
export interface ReturningTerms {
  /** `converge`: such a node is brought to what is in force; `ask`: people are told the command. */
  readonly mode: 'converge' | 'ask';
  readonly every: Duration;
}

/** What a look, by its run, takes the number of a restore for. */
export const returningKey = (node: NodeName, look: string): string => `returning/${node}/${look}`;

/** The newest that is known of a node on a line, by its own report or by a rotation's last step on it. */
export interface LastKnown {
  readonly active: Sha256 | null;
  /** Whether that step, or the reading, came to its end as it should. */
  readonly well: boolean;
}

/** Of the newer of the two; at least one is there. @param step of the node, in the line's last rotation */
export function knownOf(
  report: { readonly active: Sha256 | null; readonly at: Instant } | undefined,
  step: { readonly active: Sha256 | null; readonly state: string; readonly at: Instant } | undefined,
): LastKnown {
  if (step === undefined || (report !== undefined && report.at >= step.at)) return { active: report?.active ?? null, well: true };
  return { active: step.active, well: /(?:done|pinned)$/.test(step.state) };
}

/** Why a node may be owed what is in force. Null: by all that is known it has it. @param known null: it has never been seen */
export function owedBecause(known: LastKnown | null, inForce: Sha256): string | null {
  if (known === null) return 'it has never been seen on this line';
  if (known.active !== inForce)
    return known.active === null ? 'it served nothing when it was last read' : 'it served another manifest when it was last read';
  return known.well ? null : 'the last step of its rotation did not come to its end there';
}

/** A node that answers and does not serve what is in force, since it could not be brought to it or since people were asked to. */
export interface StandingReturn {
  readonly line: LineName;
  readonly node: NodeName;
  /** What was in force. */
  readonly manifest: Sha256;
  /** Restores that failed so far; 0 where people were asked. */
  readonly failures: number;
  readonly notBefore: Instant;
}

/** The longest pause between two restores of a node whose restores fail. */
const LONGEST_PAUSE = 86_400_000;

/** Each restore that fails doubles the pause before the next one, from twice the interval of looks up to a day. */
export const pauseAfter = (failures: number, every: Duration): Duration => Math.min(LONGEST_PAUSE, every * 2 ** Math.min(failures, 30));
