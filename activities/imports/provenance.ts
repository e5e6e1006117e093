import { provenanceOf, type Provenance, type Thing } from '../../src/domain/imports/proof.js';
import type { Subject } from '../../src/domain/imports/statement.js';
import type { ManifestStore } from '../manifest-store/contract.js';
import { claimsOf, type ImportJudges } from './claims.js';

export const storedUnder = (subject: Subject): Parameters<ManifestStore['imports']>[0] =>
  subject.kind === 'identity' ? subject.identity : subject.sha256;

/** Who has taken something into the store, and whether that is known. @param recorded whom the thing's own record names; null where it has none */
export async function readProvenance(
  store: Pick<ManifestStore, 'imports'>,
  { subject, recorded, ...thing }: Thing & { readonly subject: Subject; readonly recorded: string | null },
  judges: ImportJudges,
): Promise<Provenance> {
  const kept = await store.imports(storedUnder(subject));
  return provenanceOf(claimsOf({ subject, recorded, kept }, judges), thing);
}
