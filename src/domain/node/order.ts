import type { Duration, Instant, LineName, NodeName, Sha256 } from '../brands.js';
import type { SignatureTerms } from './report-signature.js';

/** The version of the node protocol that this build speaks; `inspect` returns it, preflight refuses any other. */
export const NODE_PROTOCOL = 1;

export type NodeOperation = 'stage' | 'switch' | 'retire' | 'restore' | 'unstage';

/**
 * What every order to a node carries. `epoch` is `1000 k + d` (rotation.md); `opId` names the operation of a rotation
 * (a retry keeps it); `notAfter` is the instant by the node's clock from which the order must not be begun or continued.
 */
export interface NodeOrder {
  readonly node: NodeName;
  readonly line: LineName;
  /** Rotation id; names the quarantine folder. */
  readonly rotation: string;
  readonly epoch: number;
  readonly opId: string;
  readonly notAfter: Instant;
  /** Added to the clock in expiry comparisons only; 0 but for rehearsals (`--at`). */
  readonly offset: Duration;
  /** The sender's clock at sending: a node further off than `maxSkew` refuses to write. Within one epoch it also tells the newer order. */
  readonly sentAt: Instant;
  /** Digest of the frozen topology and of the frozen policy, both in the store under `frozen/<sha256>.json`. */
  readonly topology: Sha256;
  readonly policy: Sha256;
  /** Missing: no key is enrolled for whoever serves the node, and its answer is believed as it comes. */
  readonly sign?: SignatureTerms;
  /** Of the installation, over everything else here (`orderStatement`). Missing: it signs no orders, or serves the node itself. */
  readonly signature?: string;
}

/** What the orders of one rotation, or of one restore, have in common. */
export interface OrderTerms {
  readonly line: LineName;
  readonly rotation: string;
  readonly epoch: number;
  readonly offset: Duration;
  readonly topology: Sha256;
  readonly policyDigest: Sha256;
  readonly limits: { readonly nodeOperationTimeout: Duration };
}

/** The order of a task, to whichever node, sent at `now`: good for twice the time that an operation may take. */
export function orderOf(task: string, terms: OrderTerms, now: Instant): Omit<NodeOrder, 'node'> {
  const { line, rotation, epoch, offset, topology, policyDigest, limits } = terms;
  return {
    line,
    rotation,
    epoch,
    opId: `${rotation}/${task}/${epoch}`,
    notAfter: now + 2 * limits.nodeOperationTimeout,
    sentAt: now,
    offset,
    topology,
    policy: policyDigest,
  };
}

/** Whether an order of `orderOf` brings a node back, in a rollback. */
export const isReturn = ({ opId }: Pick<NodeOrder, 'opId'>): boolean => opId.split('/')[1] === 'return';

/** What a node remembers of the orders on one line: the newest admitted one owns the line until a newer one comes. */
export interface Fence {
  readonly epoch: number;
  readonly opId: string;
  /** When the order was sent. 0: the node was told by a build that did not write it down; every order of the epoch is newer. */
  readonly sentAt: Instant;
  /** Number of the attempt at that order, from 1. */
  readonly attempt: number;
  /** Random per attempt: a retry takes the line over from an earlier attempt of the same operation. */
  readonly token: string;
}

export type Admission =
  { readonly admit: true } | { readonly admit: false; readonly code: 'STALE_EPOCH' | 'ORDER_EXPIRED'; readonly reason: string };

/**
 * Whether an attempt may begin, given the newest one that the node admitted on that line. An attempt that was slow on its way may come
 * after a newer one, of the same order or of a later one: it is refused, or it would take the line from that one.
 */
export function admit(current: Fence | null, mine: Fence, notAfter: Instant, now: Instant): Admission {
  const newer = current === null ? null : overtakenBy(current, mine);
  if (newer !== null) return { admit: false, code: 'STALE_EPOCH', reason: newer };
  if (now > notAfter) {
    return { admit: false, code: 'ORDER_EXPIRED', reason: `the order was good until ${new Date(notAfter).toISOString()}` };
  }
  return { admit: true };
}

/** What makes `current` newer than `mine`, as a sentence; null where it is not: epochs count first, then orders, then attempts. */
function overtakenBy(current: Fence, mine: Fence): string | null {
  if (mine.epoch !== current.epoch) {
    return mine.epoch > current.epoch ? null : `the order has epoch ${mine.epoch}, the node has already followed epoch ${current.epoch}`;
  }
  if (mine.sentAt !== current.sentAt) {
    const [own, other] = [mine.sentAt, current.sentAt].map((at) => new Date(at).toISOString());
    return mine.sentAt > current.sentAt
      ? null
      : `the order was sent at ${own}, the node has already followed ${current.opId} sent at ${other}`;
  }
  return mine.attempt >= current.attempt
    ? null
    : `this is attempt ${mine.attempt}, the node has already followed attempt ${current.attempt} of ${current.opId}`;
}

/** Whether an attempt that holds `mine` still owns the line; asked right before every rename. */
export function stillHolds(current: Fence | null, mine: Fence, notAfter: Instant, now: Instant): Admission {
  if (current === null || current.epoch !== mine.epoch || current.token !== mine.token) {
    const by = current === null ? 'nobody' : `${current.opId} at epoch ${current.epoch}`;
    return { admit: false, code: 'STALE_EPOCH', reason: `the line was taken over by ${by} while ${mine.opId} was under way` };
  }
  if (now > notAfter) {
    return { admit: false, code: 'ORDER_EXPIRED', reason: `the order was good until ${new Date(notAfter).toISOString()}` };
  }
  return { admit: true };
}
