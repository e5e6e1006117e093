import type { KnownHead } from '../../src/domain/audit/verify.js';
import type { LineName } from '../../src/domain/brands.js';
import type { ManifestStore } from '../manifest-store/contract.js';
import type { ClosingRecord } from '../rotation/contract.js';

/** The heads that the rotations of a line have anchored, by their closing records. @throws ResealError STORE_UNREACHABLE, DIGEST_MISMATCH */
export async function anchoredOn(store: Pick<ManifestStore, 'records' | 'record'>, line: LineName): Promise<readonly KnownHead[]> {
  const known: KnownHead[] = [];
  for (const id of await store.records(line)) {
    const record = (await store.record(id)) as ClosingRecord | null;
    for (const head of record?.state.audit ?? []) known.push({ ...head, from: `the closing record of ${id}` });
  }
  return known;
}
