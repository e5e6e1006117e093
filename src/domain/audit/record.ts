import type { Sha256 } from '../brands.js';

/** What the first record of a chain names as its predecessor. */
export const NO_PREDECESSOR = '0'.repeat(64) as Sha256;

/**
 * Who writes a chain: a worker of the installation, its control API, the agent of a node, the gateway of a region, or a person's own process where none
 * of them is asked.
 */
export interface AuditWriter {
  readonly kind: 'worker' | 'api' | 'agent' | 'gateway' | 'break-glass';
  /** Of the machine, the node, or the region. */
  readonly name: string;
}

/** What is said of an effect: names, numbers and digests. Nothing that a caller could put a secret into has a place here. */
export type AuditFacts = Readonly<Record<string, string | number | readonly string[]>>;

/** A record of a chain by number and digest: what it names, and all before it, is fixed by it. */
export interface AuditHead {
  readonly chain: string;
  readonly seq: number;
  /** SHA-256 of the record's line, without the newline. */
  readonly digest: Sha256;
}

/** What was in the way of writing for a while. */
export interface Unwritten {
  /** Intents and results of effects that were not put off: a way back waits for no disk. */
  readonly records: number;
  /** ISO 8601, UTC. */
  readonly since: string;
}

/** What a record is about. */
export type AuditSubject =
  /** A chain's first record. `after`: the folder in which an earlier chain was set aside, for it could not be read. */
  | {
      readonly kind: 'begin';
      readonly writer: AuditWriter;
      readonly key: string | null;
      readonly version: string;
      readonly after: string | null;
    }
  /** A process has taken the chain up. `cut`: what a killed one had left half written at its end. */
  | {
      readonly kind: 'resume';
      readonly key: string | null;
      readonly version: string;
      readonly cut: { readonly bytes: number; readonly sha256: Sha256 } | null;
    }
  /** On disk before the effect. */
  | { readonly kind: 'intent'; readonly effect: string; readonly attempt: number; readonly facts: AuditFacts }
  /** `of`: the intent's number. `code`: why it failed, one of reseal's codes. */
  | {
      readonly kind: 'result';
      readonly of: number;
      readonly effect: string;
      readonly outcome: 'done' | 'failed';
      readonly code: string | null;
      readonly facts: AuditFacts;
    }
  /** Somebody was turned away. `code`: why, one of reseal's codes. */
  | { readonly kind: 'denial'; readonly code: string; readonly facts: AuditFacts }
  /** Effects that went on while this chain could not be written. */
  | { readonly kind: 'unwritten'; readonly unwritten: Unwritten };

/** One line of a chain, in the canonical form of RFC 8785. */
export type AuditRecord = {
  readonly schemaVersion: 1;
  readonly chain: string;
  /** From 1, without gaps. */
  readonly seq: number;
  /** ISO 8601, UTC, by the writer's clock. */
  readonly at: string;
  /** Digest of the record before. */
  readonly previous: Sha256;
} & AuditSubject;

/** A line after a record: the writer's signature over it, and so over all before it. */
export interface AuditSeal {
  readonly seal: AuditHead;
  /** SSHSIG, armored, over the canonical form of `sealStatement`. */
  readonly signature: string;
}

/** What a writer signs. */
export interface SealStatement extends AuditHead {
  readonly schema: 'reseal-audit-v1';
}

export const sealStatement = ({ chain, seq, digest }: AuditHead): SealStatement => ({ schema: 'reseal-audit-v1', chain, seq, digest });

/** What the names of a writer's chains begin with; what follows is twelve hexadecimal digits, made when a chain begins. */
export function chainNameOf({ kind, name }: AuditWriter): string {
  const plain = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 60);
  return plain === '' ? kind : `${kind}-${plain}`;
}

/** The writer's part of a chain's name: chains that have it in common are of the same writer, one after the other or side by side. */
export const writerPart = (chain: string): string => chain.replace(/-[0-9a-f]{12}$/, '');

/** Whether a chain is an agent's or a gateway's, and so lies on another machine than those of the installation. */
export const isOfNodes = (chain: string): boolean => /^(?:agent|gateway)-/.test(chain);

/** Of heads of many chains the newest of each, by chain. */
export function newestHeads(heads: readonly AuditHead[]): readonly AuditHead[] {
  const newest = new Map<string, AuditHead>();
  for (const head of heads) if ((newest.get(head.chain)?.seq ?? 0) < head.seq) newest.set(head.chain, head);
  return [...newest.values()].sort((a, b) => (a.chain < b.chain ? -1 : 1));
}
