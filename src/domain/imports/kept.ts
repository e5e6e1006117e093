import type { Sha256 } from '../brands.js';
import type { SignedImport } from './statement.js';

/** What the installation signs of profiles that its workers have taken in from a source, at nobody's word. */
export interface ImportSeal {
  readonly schema: 'reseal-import-v1';
  readonly installation: string;
  /** `source:<name>`. */
  readonly by: string;
  readonly profiles: readonly Sha256[];
}

/** Who has taken something in, as the store keeps it beside the thing; a document for each time. Nothing vouches for it but the signature in it. */
export interface KeptImport {
  readonly kind: 'import';
  readonly schemaVersion: 1;
  /** A person of the roster, or `source:<name>`. */
  readonly by: string;
  /** Missing: by name alone. */
  readonly signed?: SignedImport;
  readonly sealed?: {
    readonly statement: ImportSeal;
    /** SSHSIG, armored. */
    readonly signature: string;
  };
}

export const keptImport = (by: string, how: Pick<KeptImport, 'signed' | 'sealed'> = {}): KeptImport => ({
  kind: 'import',
  schemaVersion: 1,
  by,
  ...how,
});

/** Who imports what no person has: workers write it, by the name of a source of reseal.yaml. */
export const bySource = (source: string): string => `source:${source}`;
export const isBySource = (by: string): boolean => by.startsWith('source:');
