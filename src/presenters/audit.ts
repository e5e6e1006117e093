import type { AuditFinding } from '../domain/audit/finding.js';
import type { AuditRecord } from '../domain/audit/record.js';
import type { Verification } from '../domain/audit/verify.js';

/** One chain, as it was found. */
export interface AuditChainView {
  readonly chain: string;
  readonly folder: string;
  readonly verdict: 'whole' | 'broken';
  readonly records: number;
  /** Number of the last record. */
  readonly head: number;
  readonly lastAt: string | null;
  /** Number of the last record that is signed; null: the chain has no key. */
  readonly sealedUpTo: number | null;
  /** The highest number that somebody else knows; null: nobody does. */
  readonly anchoredUpTo: number | null;
  readonly findings: readonly AuditFinding[];
  /** Findings beyond those. */
  readonly more: number;
}

/** `reseal audit verify --json`. */
export interface AuditVerdictView {
  readonly schemaVersion: 1;
  readonly verdict: 'whole' | 'broken';
  readonly chains: readonly AuditChainView[];
  /** Chains that rotations have anchored and that are not here. */
  readonly elsewhere: readonly AuditFinding[];
  /** Chains of agents and gateways that rotations have anchored: they are verified where they lie, on the machines of those. */
  readonly onNodes: number;
}

export function auditChainView(folder: string, read: Verification): AuditChainView {
  const anchored = Math.max(0, ...read.known.keys());
  return {
    chain: read.chain,
    folder,
    verdict: read.findings.length === 0 ? 'whole' : 'broken',
    records: read.records,
    head: read.head?.seq ?? 0,
    lastAt: read.headAt,
    sealedUpTo: read.key === null ? null : (read.seal?.seal.seq ?? 0),
    anchoredUpTo: anchored === 0 ? null : anchored,
    findings: read.findings,
    more: read.more,
  };
}

/** `reseal audit tail --json`: oldest first. */
export interface AuditTailView {
  readonly schemaVersion: 1;
  readonly records: readonly AuditRecord[];
}

/** `reseal audit export --json`. */
export interface AuditExportView {
  readonly schemaVersion: 1;
  readonly folder: string;
  readonly chains: readonly { readonly chain: string; readonly folder: string; readonly files: number }[];
  readonly anchors: number;
}
