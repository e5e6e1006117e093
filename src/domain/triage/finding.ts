/** The order in which triage looks (S10): what costs least and explains most comes first. */
export const STAGES = ['embedded-profile', 'identities', 'settings', 'signature', 'nodes', 'export'] as const;
export type Stage = (typeof STAGES)[number];

export type FindingVerdict = 'ok' | 'warn' | 'fail';
export type Requirement = 'R2' | 'R12' | 'S2' | 'S3' | 'S5' | 'S7' | 'S10' | 'S13' | 'S14' | 'T5';

/** One thing that triage looked at. Sentences have no full stop at their end, names in them come from files that may be anybody's. */
export interface Finding {
  readonly stage: Stage;
  /** Stable name of the check. */
  readonly check: string;
  /** The bundle, target, file or node that it is about; empty: all of it. */
  readonly subject: string;
  readonly verdict: FindingVerdict;
  readonly evidence: string;
  /** What to do; empty where nothing is wrong. */
  readonly remedy: string;
  /** Which requirements it violates; empty where nothing is wrong. */
  readonly violates: readonly Requirement[];
}

type About = Pick<Finding, 'stage' | 'check' | 'subject'>;

export const fine = (about: About, evidence: string): Finding => ({ ...about, verdict: 'ok', evidence, remedy: '', violates: [] });

export const wrong = (
  about: About,
  verdict: 'warn' | 'fail',
  evidence: string,
  remedy: string,
  ...violates: readonly Requirement[]
): Finding => ({ ...about, verdict, evidence, remedy, violates });
