import type { Duration, Instant, LineName, RotationId, Sha256 } from './brands.js';
import type { RotationState } from './rotation/state.js';

/** A completed rotation, as far as it concerns sources that take successors. */
export interface WriteBackRequest {
  readonly line: LineName;
  readonly id: RotationId;
  readonly ticket: string;
  readonly from: Sha256;
  readonly to: Sha256;
}

/** Null: nothing of this rotation is written back; it has not completed. */
export const writeBackOf = ({ phase, line, id, trigger, plan }: RotationState): WriteBackRequest | null =>
  phase !== 'completed' || plan === null ? null : { line, id, ticket: trigger.ticket, from: plan.from, to: plan.to };

/** A source that has not taken the successors of a rotation. */
export interface NotTaken {
  /** Its name in reseal.yaml. */
  readonly source: string;
  /** A sentence that stands by itself. */
  readonly reason: string;
}

/** What came of telling a line's sources of a rotation's successors. */
export interface WrittenBack {
  /** Names of the sources that have them now. */
  readonly taken: readonly string[];
  readonly notTaken: readonly NotTaken[];
  /**
   * `later`: some are not in force now, and may come to be again, for a rotation that may yet return is under way. `never`: none of what is not in force
   * comes back by itself.
   */
  readonly rest: 'none' | 'later' | 'never';
}

const FIRST_PAUSE = 10_000;
const LONGEST_PAUSE = 6 * 3_600_000;
/** Two weeks: whoever protects a branch, or moves a repository, hears of it and has time to mend it. */
const TRIED_FOR = 14 * 86_400_000;

/**
 * When it is tried again: after 10 s first, each failure doubles the pause up to six hours. Null: it has been tried for two weeks.
 * @param failures so far, at least 1. @param since the first of them
 */
export function nextTry(failures: number, since: Instant, now: Instant): Instant | null {
  const pause: Duration = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** Math.min(failures - 1, 30));
  return now + pause > since + TRIED_FOR ? null : now + pause;
}

/** Whether there is nothing left to be tried. */
export const isSettled = ({ notTaken, rest }: WrittenBack): boolean => notTaken.length === 0 && rest !== 'later';

const all = (notTaken: readonly NotTaken[]): string => notTaken.map(({ reason }) => reason).join(' ');

/** What people are told when it has failed for the first time. */
export const failedInWords = (rotation: string, notTaken: readonly NotTaken[], again: Instant): string =>
  `the successors of ${rotation} are not in ${names(notTaken)} yet. ${all(notTaken)} It is tried again at ${new Date(again).toISOString()}, then after longer and longer pauses, for two weeks; or put them there with fastlane match import`;

/** What people are told when it came to its end later. */
export function settledInWords(rotation: string, { taken, rest }: WrittenBack, tries: number): string {
  if (taken.length > 0) return `the successors of ${rotation} are in ${taken.join(', ')} now, after ${tries} attempts`;
  return rest === 'never'
    ? `the successors of ${rotation} are written back nowhere any more: they are not in force`
    : `the successors of ${rotation} are written back nowhere any more: no source of the line takes any`;
}

/** What people are told when it is not tried any more. */
export const givenUpInWords = (rotation: string, { notTaken }: WrittenBack, tries: number): string =>
  notTaken.length === 0
    ? `the successors of ${rotation} have not come into force again for two weeks, and are not written back`
    : `the successors of ${rotation} are not in ${names(notTaken)} after ${tries} attempts in two weeks, and it is not tried any more. ${all(notTaken)} Put them there with fastlane match import`;

const names = (notTaken: readonly NotTaken[]): string => notTaken.map(({ source }) => source).join(', ');
