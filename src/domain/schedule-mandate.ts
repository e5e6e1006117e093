import type { LineName, PersonId } from './brands.js';
import { exactly, faultInSaid, instant, orNull, UNSAID, type Said } from './rotation/statement.js';

/** What people do to the schedule: of `unpause` and `ensure` the one ends a pause alone. */
export const SCHEDULE_ACTIONS = ['ensure', 'trigger', 'pause', 'unpause', 'remove'] as const;
export type ScheduleAction = (typeof SCHEDULE_ACTIONS)[number];

export interface ScheduleDeed {
  readonly says: 'schedule';
  readonly action: ScheduleAction;
  /** ISO 8601, UTC: with `ensure`, the date that scans compare expiries with; null: the day of each scan. */
  readonly at: string | null;
}

/** The statement by which a person changes the schedule, in the name of one line: the store of that one keeps it, and that it has counted. */
export type ScheduleMandate = Said & ScheduleDeed;

export interface SignedScheduleMandate {
  readonly statement: ScheduleMandate;
  /** As `ssh-keygen -Y sign` writes it. */
  readonly signature: string;
}

/** Who changes it, and by what; without a signed mandate by name alone. */
export interface ScheduleAsking {
  readonly by: PersonId;
  readonly ticket: string;
  readonly action: ScheduleAction;
  /** As in the mandate. */
  readonly at: string | null;
  readonly signed?: SignedScheduleMandate;
}

const OWN = { schedule: { action: exactly(...SCHEDULE_ACTIONS), at: orNull(instant) } };

export type ReadScheduleMandate =
  | { readonly kind: 'mandate'; readonly mandate: ScheduleMandate }
  /** In words that end a sentence. */
  | { readonly kind: 'none'; readonly reason: string };

/** Reads what claims to be one. Every field is there, of its form, and no other: what is signed is all understood. */
export function readScheduleMandate(value: unknown): ReadScheduleMandate {
  const fault = faultInSaid(value, OWN, UNSAID);
  return fault === null ? { kind: 'mandate', mandate: value as ScheduleMandate } : { kind: 'none', reason: fault };
}

/** What it asks for. It carries itself: whoever brings it along adds nothing. */
export function askedBy(signed: SignedScheduleMandate): ScheduleAsking {
  const { person, ticket, action, at } = signed.statement;
  return { by: person, ticket, action, at, signed };
}

/** The line in whose name the schedule of all lines is changed: the first that topology.yaml declares. */
export const namingLine = (lines: Readonly<Record<LineName, unknown>>): LineName | null =>
  (Object.keys(lines)[0] as LineName | undefined) ?? null;
