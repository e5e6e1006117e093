import type { Instant } from '../brands.js';
import type { SeatUse } from './seat.js';

export type UsageBy = 'pipeline' | 'holder' | 'node';

/** What one pipeline, holder or node used on one day (UTC), in milliseconds. */
export interface UsageRow {
  /** `YYYY-MM-DD`. */
  readonly day: string;
  readonly name: string;
  readonly held: number;
  readonly waited: number;
  /** Claims that had the seat on that day. */
  readonly leases: number;
}

const DAY = 86_400_000;

const dayOf = (at: Instant): string => new Date(at).toISOString().slice(0, 10);

/** The parts of `[from, to)` that lie on each day, not before `since`. */
function byDay(from: Instant, to: Instant, since: Instant): readonly { readonly day: string; readonly length: number }[] {
  const parts: { day: string; length: number }[] = [];
  for (let start = Math.max(from, since); start < to;) {
    const end = Math.min(to, (Math.floor(start / DAY) + 1) * DAY);
    parts.push({ day: dayOf(start), length: end - start });
    start = end;
  }
  return parts;
}

/** Adds up ended claims by day and name; what lies before `since` does not count, nor do bookings that nobody used. Sorted by day, then name. */
export function addUp(uses: readonly SeatUse[], by: UsageBy, since: Instant): readonly UsageRow[] {
  const rows = new Map<string, { day: string; name: string; held: number; waited: number; leases: number }>();
  const row = (day: string, name: string) => {
    const key = `${day} ${name}`;
    const found = rows.get(key) ?? { day, name, held: 0, waited: 0, leases: 0 };
    rows.set(key, found);
    return found;
  };
  for (const use of uses) {
    if (use.end === 'unused') continue;
    const name = use[by];
    for (const { day, length } of byDay(use.askedAt, use.grantedAt ?? use.endedAt, since)) row(day, name).waited += length;
    if (use.grantedAt === null) continue;
    for (const { day, length } of byDay(use.grantedAt, use.endedAt, since)) {
      row(day, name).held += length;
      row(day, name).leases += 1;
    }
  }
  return [...rows.values()].sort((one, other) => (`${one.day} ${one.name}` < `${other.day} ${other.name}` ? -1 : 1));
}
