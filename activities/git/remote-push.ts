import { type GitFailure } from './command.js';
import type { Landing } from './commits.js';

/** What a `git push --porcelain` that failed says of the branch; null where it says nothing of it: then nobody knows what became of it. */
export type Rejection = Extract<Landing, { outcome: 'moved' }> | { readonly outcome: 'refused'; readonly reason: string };

/** The server's own words for a branch that somebody else moved while the push was under way (receive-pack, refs/files-backend). */
const RACE = /failed to update ref|incorrect old value|but expected|cannot lock ref|reference already exists|failed to lock/i;

/**
 * Lines are `<flag> TAB <from>:<to> TAB <summary>` (git-push(1)). A lease that does not hold is `stale info`; `fetch first` and `non-fast-forward`
 * say the same of what git knows here.
 */
export function rejectionOf(failure: GitFailure): Rejection | null {
  const line = failure.answered.split('\n').find((one) => one.startsWith('!'));
  if (line === undefined) return null;
  const summary = line.split('\t')[2] ?? '';
  if (/^\[rejected\]/.test(summary) || RACE.test(summary)) return { outcome: 'moved' };
  if (RACE.test(failure.said)) return { outcome: 'moved' };
  return { outcome: 'refused', reason: summary };
}
