import { hasEnded, type ExportStatus } from '../domain/exports/export.js';
import type { ExportAsk, ExportBinding } from '../domain/exports/statement.js';

/** What a request would ask for, as the configuration has it. */
export interface ExportTermsView {
  readonly schemaVersion: 1;
  readonly installation: string;
  readonly line: string;
  readonly assurance: 'name' | 'signature';
  readonly commonName: string;
  readonly team: string;
  readonly receiverName: string;
  readonly asks: Omit<ExportAsk, 'reason'>;
  readonly approvalsNeeded: number;
  /** Milliseconds. */
  readonly approveWithin: number;
  readonly fetchedBy: readonly string[];
}

/** One export as it stands. Instants are ISO 8601. */
export interface ExportView {
  readonly schemaVersion: 1;
  readonly export: {
    readonly id: string;
    readonly line: string;
    readonly phase: ExportStatus['phase'];
    readonly open: boolean;
    readonly ticket: string;
    readonly installation: string;
    readonly assurance: ExportStatus['assurance'];
    readonly binds: ExportBinding;
    readonly requestedAt: string;
    readonly approveBy: string;
    readonly approvalsNeeded: number;
    readonly approvals: readonly { readonly person: string; readonly at: string; readonly key: string | null }[];
    readonly fetchedBy: readonly string[];
    readonly sealed: { readonly sha256: string; readonly document: string; readonly at: string; readonly until: string } | null;
    readonly ended: { readonly at: string; readonly by: string; readonly reason: string } | null;
    readonly record: string | null;
  };
}

export interface ExportListView {
  readonly schemaVersion: 1;
  readonly exports: readonly ExportView['export'][];
}

/** What is handed out, once. */
export interface FetchedExportView extends ExportView {
  /** Base64: a file of age, sealed to the receiver. */
  readonly sealed: string;
}

/** What the command line says of a fetch: never what was fetched. */
export interface ExportFetchView extends ExportView {
  /** Paths of the files that were written. */
  readonly files: { readonly sealed: string; readonly pkcs12: string | null; readonly password: string | null };
}

const iso = (at: number): string => new Date(at).toISOString();

export function exportOf(status: ExportStatus): ExportView['export'] {
  const { requestedAt, approveBy, approvals, sealed, ended, ...rest } = status;
  return {
    ...rest,
    open: !hasEnded(status.phase),
    requestedAt: iso(requestedAt),
    approveBy: iso(approveBy),
    approvals: approvals.map(({ at, ...approval }) => ({ ...approval, at: iso(at) })),
    sealed: sealed === null ? null : { ...sealed, at: iso(sealed.at), until: iso(sealed.until) },
    ended: ended === null ? null : { ...ended, at: iso(ended.at) },
  };
}

export const exportView = (status: ExportStatus): ExportView => ({ schemaVersion: 1, export: exportOf(status) });
