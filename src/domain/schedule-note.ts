import type { ScheduleAction } from './schedule-mandate.js';

/** Who has changed the schedule last, as its note in Temporal tells. */
export interface ScheduleChange {
  readonly action: ScheduleAction;
  readonly by: string;
  readonly ticket: string;
  /** Of the signed mandate behind it, which the store keeps; null: by name. */
  readonly nonce: string | null;
}

const NOTE = /^(ensure|trigger|pause|unpause|remove) by (\S+) under (.+?)(?:, signed as ([0-9a-f]{32}))?$/;

export const noteOf = ({ action, by, ticket, nonce }: ScheduleChange): string =>
  `${action} by ${by} under ${ticket}${nonce === null ? '' : `, signed as ${nonce}`}`;

/** Null where somebody else has written it, or an earlier version. */
export function changeIn(note: string | undefined): ScheduleChange | null {
  const [, action, by, ticket, nonce = null] = NOTE.exec(note ?? '') ?? [];
  return action === undefined || by === undefined || ticket === undefined ? null : { action: action as ScheduleAction, by, ticket, nonce };
}
