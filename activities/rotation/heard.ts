import type { LineName } from '../../src/domain/brands.js';
import { ResealError } from '../../src/domain/errors.js';
import type { RotationState } from '../../src/domain/rotation/state.js';
import type { Signed } from '../../src/domain/rotation/statement.js';
import type { ManifestStore } from '../manifest-store/contract.js';
import type { ClosingRecord } from './contract.js';

/** Of the line's last rotations so many are looked through: a statement counts for a day at most, and a line has few rotations a day. */
const LOOKED_THROUGH = 20;

/** What a rotation keeps of a statement, so that it does not count twice. */
export const heardOf = ({ statement }: Signed): RotationState['heard'][number] => ({
  nonce: statement.nonce,
  expiresAt: Date.parse(statement.expiresAt),
});

/** A statement that has asked for a rotation of the line asks for no other one. @throws ResealError ALREADY_DECIDED */
export async function mustBeNew(store: Pick<ManifestStore, 'records' | 'record'>, line: LineName, nonce: string): Promise<void> {
  for (const id of (await store.records(line)).slice(-LOOKED_THROUGH)) {
    // Records of before there were signed statements have heard none.
    const record = (await store.record(id)) as { readonly state: Partial<ClosingRecord['state']> } | null;
    if (record?.state.heard?.some((one) => one.nonce === nonce) === true)
      throw new ResealError('ALREADY_DECIDED', `A signed statement counts once, and this one has counted, for ${id}. Sign anew.`);
  }
}
