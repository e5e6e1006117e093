import { ResealError } from '../../domain/errors.js';

/** `later`: not there yet, and not needed yet; the remedy says who gets it. `away`: somebody on another machine does not answer. */
export type DoctorVerdict = 'pass' | 'fail' | 'later' | 'away';

export interface DoctorCheck {
  readonly check: string;
  readonly verdict: DoctorVerdict;
  /** What was found. */
  readonly reason: string;
  /** What to do; empty where nothing is to be done. */
  readonly remedy: string;
}

export type Finding = Omit<DoctorCheck, 'check'>;
export const pass = (reason: string): Finding => ({ verdict: 'pass', reason, remedy: '' });
export const fail = (reason: string, remedy: string): Finding => ({ verdict: 'fail', reason, remedy });

/** A check that throws has failed; its sentence says what and what to do. */
export async function settle(check: string, work: () => Promise<Finding> | Finding): Promise<DoctorCheck> {
  try {
    return { check, ...(await work()) };
  } catch (error) {
    if (!(error instanceof ResealError)) throw error;
    return { check, ...fail(error.message, error.details.join('\n')) };
  }
}
