import type { VerifiedProfiles } from '../../../src/profile/index.js';
import type { ProfileSource } from '../contract.js';
import { AppStoreConnectClient, type ClientOptions } from './client.js';
import { teamCertificates } from './certificates.js';
import { listProfiles } from './listing.js';
import { ProfileSupply } from './supply.js';

export interface AppStoreConnectOptions extends Omit<ClientOptions, 'source'> {
  /** As in reseal.yaml. */
  readonly name: string;
  readonly profiles: VerifiedProfiles;
  /** Whether missing successors are made there, or only looked for. */
  readonly successors: 'found' | 'made';
}

/** A team's profiles at App Store Connect as successors; they have neither holder nor variant. */
export function createAppStoreConnectSource(options: AppStoreConnectOptions): ProfileSource {
  const { name, profiles, successors, clock = Date.now } = options;
  const client = new AppStoreConnectClient({ ...options, source: name });
  const made = new ProfileSupply(name, client, clock);
  return {
    name,
    list: () => listProfiles(name, client, profiles),
    certificates: () => teamCertificates(client),
    ...(successors === 'made' ? { supply: (wanted) => made.supply(wanted) } : {}),
  };
}
