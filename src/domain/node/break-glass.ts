import type { Instant, LineName, NodeName, Sha256 } from '../brands.js';
import type { Fence, OrderTerms } from './order.js';
import type { NodeOutcome } from './report.js';

/** What an order without the control plane is called. No rotation is: its id begins with the name of a line, and no name has a full stop. */
const NAME = 'break-glass.';

/** Whether the newest order of a line is one that a person gave on the spot, without the control plane. */
export const isBreakGlass = ({ opId }: Pick<Fence, 'opId'>): boolean => opId.startsWith(NAME);

/** What of a node's journal tells what it served, and who owns the line now. */
export interface JournalFact {
  readonly line: LineName;
  readonly opId: string;
  readonly do: string;
  readonly subject: string;
  readonly phase: 'intent' | 'result';
  /** In the intent of an operation as a whole. */
  readonly token?: string;
}

/** What a node says of itself on one line, without anybody else. */
export interface NodeStanding {
  /** Null where there is no pointer, or something that is none. */
  readonly active: Sha256 | null;
  readonly accepted: readonly Sha256[];
  /** Of the newest order that it admitted; null: none ever was. */
  readonly fence: Fence | null;
  /** What it served before, by its journal, or what such an order has begun to bring back; null: the journal does not tell. */
  readonly before: Sha256 | null;
}

/**
 * What a node goes back to where nobody names it. Of what it served one after the other, coming back to something drops what came after it: what a node was
 * taken off, by a rollback or by this, is nothing to go back to. An order of this kind that was cut off is repeated, whatever else is there.
 */
export function servedBefore(journal: readonly JournalFact[], line: LineName, active: Sha256 | null): Sha256 | null {
  const ofLine = journal.filter((fact) => fact.line === line);
  const newest = ofLine.findLast(({ token, phase }) => token !== undefined && phase === 'intent');
  if (newest !== undefined && isBreakGlass(newest)) return newest.subject as Sha256;
  const served: string[] = [];
  for (const { do: what, phase, subject } of ofLine) {
    if (what !== 'activate' || phase !== 'result') continue;
    const at = served.indexOf(subject);
    if (at >= 0) served.length = at + 1;
    else served.push(subject);
  }
  const at = active === null ? -1 : served.indexOf(active);
  return ((at < 0 ? served.at(-1) : served[at - 1]) ?? null) as Sha256 | null;
}

/**
 * The terms of such an order: one change of direction beyond the newest order that the node knows. What a rotation has sent, or goes on to send, in the direction
 * it had is refused by the node from then on, and the rotation hears of it; its way back, and every later rotation, are newer.
 */
export function glassTerms(
  line: LineName,
  fence: Fence | null,
  more: Pick<OrderTerms, 'topology' | 'policyDigest' | 'limits'>,
  now: Instant,
): OrderTerms & { readonly sentAt: Instant } {
  const again = fence !== null && isBreakGlass(fence);
  const epoch = again ? fence.epoch : (fence?.epoch ?? 0) + 1;
  return { ...more, line, rotation: `${NAME}${line}.${epoch}`, epoch, offset: 0, sentAt: again ? Math.max(now, fence.sentAt + 1) : now };
}

/** Where a manifest was found that is to be brought back. */
export type GlassSource =
  { readonly from: 'node' } | { readonly from: 'quarantine'; readonly rotation: string } | { readonly from: 'store' };

/** What is about to be done. */
export interface GlassPlan {
  readonly node: NodeName;
  readonly line: LineName;
  readonly before: Sha256 | null;
  readonly manifest: Sha256;
  readonly source: GlassSource;
  /** When the first of its profiles and certificates that this node needs expires; null: it needs none. */
  readonly goodUntil: Instant | null;
  /** Of the newest order that the node admitted before; null: none. */
  readonly overtakes: string | null;
}

/** How it ended. */
export interface GlassResult extends Pick<GlassPlan, 'node' | 'line' | 'before' | 'manifest' | 'source'> {
  readonly active: Sha256 | null;
  readonly outcome: NodeOutcome;
  /** A sentence or two; empty when done. */
  readonly reason: string;
}
