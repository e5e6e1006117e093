import type { Instant } from '../brands.js';
import { nextOpening } from '../calendar.js';
import { entryExpiry, windowOf } from '../groups.js';
import type { Manifest } from '../manifest.js';
import type { Policy } from '../policy.js';

const DAY = 86_400_000;
const EVERY_DAY = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];

/** When the first of a manifest's assets becomes due. */
export const dueFrom = (manifest: Manifest, policy: Policy): Instant =>
  Math.min(...manifest.profiles.map((entry) => entryExpiry(manifest, entry) - windowOf(entry.method, policy)));

/** The first scan at or after an instant. One that runs more or less often than daily is taken to run at once. */
export function firstScan({ scan }: Pick<Policy, 'scan'>, from: Instant): Instant {
  if (scan.every !== DAY) return from;
  const [hours = 0, minutes = 0] = scan.at.split(':').map(Number);
  const end = hours * 60 + minutes + 1;
  const to = `${String(Math.floor(end / 60)).padStart(2, '0')}:${String(end % 60).padStart(2, '0')}`;
  return nextOpening({ zone: scan.zone, days: EVERY_DAY, from: scan.at, to, holidays: [] }, from);
}

/** When the schedule would start the next rotation: at the first scan in which something is due. */
export const startsBySchedule = (manifest: Manifest, policy: Policy, now: Instant): Instant =>
  firstScan(policy, Math.max(now, dueFrom(manifest, policy)));
