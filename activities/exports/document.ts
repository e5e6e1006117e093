import type { ExportedIdentity } from '../../src/domain/exports/export.js';

/** What a store holds of a sealed export: of no use without the one-time key of the control API and the receiver's own. */
export interface ExportDocument {
  readonly kind: 'sealed-export';
  readonly schemaVersion: 1;
  readonly export: string;
  /** SHA-256 of the inner seal. */
  readonly sha256: string;
  /** Base64 of the outer seal. */
  readonly sealed: string;
}

export const exportDocument = (id: string, { sealed, sha256 }: ExportedIdentity): ExportDocument => ({
  kind: 'sealed-export',
  schemaVersion: 1,
  export: id,
  sha256,
  sealed,
});

/** Null where it is something else, or of another export. */
export function readExportDocument(document: unknown, id: string): ExportDocument | null {
  const given = document as Partial<ExportDocument> | null;
  if (typeof given !== 'object' || given === null || given.kind !== 'sealed-export' || given.export !== id) return null;
  return typeof given.sealed === 'string' && typeof given.sha256 === 'string' ? (given as ExportDocument) : null;
}
