import type { RosterAdopted } from '../activities/roster/contract.js';
import type { SignedAdoption } from '../src/domain/adopted-rosters.js';
import { rosters } from './activities.js';
import { failedOrder } from './mandated.js';

/**
 * Takes a signed adoption of a roster into the stores. A workflow of its own, so that a worker judges and records it, whoever began it.
 * @throws ApplicationFailure where it does not count
 */
export async function rosterAdoption(signed: SignedAdoption): Promise<RosterAdopted> {
  try {
    return await rosters.adoptRoster(signed);
  } catch (error) {
    throw failedOrder(error);
  }
}
