import type { LineName, NodeName } from '../brands.js';

/** What an order asks its answer to be signed by. */
export interface SignatureTerms {
  /** Used once: an answer that was given before fits no later order. */
  readonly nonce: string;
  /** Public keys that are enrolled for whoever serves the node, `ssh-ed25519 AAAA…`, as frozen with the order's topology; any one of them. */
  readonly keys: readonly string[];
}

/** An answer with the signature that its order asked for. */
export interface SignedAnswer<T> {
  readonly body: T;
  /** SSHSIG, armored, over the canonical form of `reportStatement`. */
  readonly signature: string;
}

/** The order's part in what is signed; `nodes` where several were asked together. */
export interface AnsweredOrder {
  readonly line: LineName;
  readonly rotation: string;
  readonly epoch: number;
  readonly opId: string;
  readonly node?: NodeName;
  readonly nodes?: readonly NodeName[];
}

/** What a node, or the gateway before it, signs: what it says, and to which order of which rotation it says so. */
export interface ReportStatement {
  readonly schema: 'reseal-report-v1';
  /** Name of the activity. */
  readonly operation: string;
  readonly nodes: readonly NodeName[];
  readonly line: LineName;
  readonly rotation: string;
  readonly epoch: number;
  readonly opId: string;
  readonly nonce: string;
  readonly body: unknown;
}

export function reportStatement(operation: string, order: AnsweredOrder, nonce: string, body: unknown): ReportStatement {
  const { line, rotation, epoch, opId } = order;
  const nodes = order.nodes ?? (order.node === undefined ? [] : [order.node]);
  return { schema: 'reseal-report-v1', operation, nodes, line, rotation, epoch, opId, nonce, body };
}

/** Null where the answer has not the form of a signed one. */
export function signedAnswer(answer: unknown): SignedAnswer<unknown> | null {
  if (typeof answer !== 'object' || answer === null || !('body' in answer) || !('signature' in answer)) return null;
  return typeof answer.signature === 'string' ? (answer as SignedAnswer<unknown>) : null;
}
