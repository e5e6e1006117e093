import type { Audience } from '../codec/audience.js';
import { chainNameOf, writerPart, type AuditHead } from './record.js';

/** The header of an activity whose workflow takes the answer out of its envelope: workers of before send it none, and get none. */
export const AUDIT_HEADER = 'reseal-audit';

/** What an activity that has an effect answers where it is asked so: the head of the chain that its record is in, beside its own answer. */
export interface AuditedAnswer {
  readonly auditHead: AuditHead;
  /** Of other chains in the same home: of its API, of what people did there without a worker. An installation's worker alone tells of any. */
  readonly besideHeads?: readonly AuditHead[];
  readonly answer?: unknown;
}

/** Null where the answer came as it is. */
export function auditedAnswer(answer: unknown): AuditedAnswer | null {
  return typeof answer === 'object' && answer !== null && 'auditHead' in answer ? (answer as AuditedAnswer) : null;
}

/**
 * Whether a head counts from whoever serves a task queue. A worker is believed; agents and gateways only as far as their own chains go: nobody speaks for
 * a worker, or for another node.
 */
export function mayTell(audience: Audience, head: AuditHead | null): head is AuditHead {
  if (audience === 'control') return head !== null;
  const [kind = '', ...name] = audience.split('/');
  const own = chainNameOf({ kind: kind === 'node' ? 'agent' : 'gateway', name: name.join('/') });
  const { chain, seq, digest } = (head ?? {}) as Readonly<Partial<Record<keyof AuditHead, unknown>>>;
  if (typeof chain !== 'string' || typeof digest !== 'string' || !/^[0-9a-f]{64}$/.test(digest)) return false;
  return Number.isSafeInteger(seq) && (seq as number) > 0 && chain !== own && writerPart(chain) === own;
}
