import type { TopologyCheck } from '../topology-review/finding.js';

/** `breaks`: the rotation would have been refused, have turned back, or have broken builds. `heed`: it would have gone through, and somebody should know. */
export type RehearsalVerdict = 'breaks' | 'heed';

export type RehearsalCheck =
  | TopologyCheck
  | 'preflight'
  | 'successors-missing'
  | 'approvers'
  | 'unlock-windows'
  | 'office-hours'
  | 'seat'
  | 'profile-bytes'
  | 'outcome'
  | 'question'
  | 'trouble'
  | 'builds'
  | 'order-of-rollback'
  | 'left-behind';

/** What a rehearsal found; sentences without their full stop, each understood without the others. */
export interface RehearsalFinding {
  readonly verdict: RehearsalVerdict;
  readonly check: RehearsalCheck;
  readonly found: string;
  readonly expected: string;
  readonly next: string;
}

/** The gravest first; among equals as they came. */
export const graveFirst = (findings: readonly RehearsalFinding[]): readonly RehearsalFinding[] => [
  ...findings.filter((finding) => finding.verdict === 'breaks'),
  ...findings.filter((finding) => finding.verdict !== 'breaks'),
];
