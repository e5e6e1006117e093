import type { RevocationKept } from '../activities/revocations/contract.js';
import type { GivenRevocation } from '../src/domain/revocations.js';
import { revocations } from './activities.js';
import { failedOrder } from './mandated.js';

/**
 * Takes a person's word that a certificate is revoked, or was said to be by mistake, into the stores. A workflow of its own, so that a worker judges and records it, whoever began it.
 * @throws ApplicationFailure where it does not count
 */
export async function revocationRecord(given: GivenRevocation): Promise<RevocationKept> {
  try {
    return await revocations.recordRevocation(given);
  } catch (error) {
    throw failedOrder(error);
  }
}
