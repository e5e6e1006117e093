import { randomBytes } from 'node:crypto';
import type { PersonId } from '../../src/domain/brands.js';
import type { KeptRosters, RosterAdoption } from '../../src/domain/adopted-rosters.js';
import { canonicalBytes } from '../../src/statement/canonical.js';
import { canonicalDigest } from '../../src/statement/person.js';
import type { OpenSurroundings } from '../../src/temporal/surroundings.js';
import { sshSign, type SshKey } from './ssh-keys.js';

/** The roster as it is declared becomes the first one of its installation in a store, signed by these persons, in that order. */
export async function adoptRoster(around: OpenSurroundings, store: string, signers: Readonly<Record<string, SshKey>>): Promise<void> {
  const { roster, topology } = around.configuration();
  const { installation } = topology;
  const now = Date.now();
  const adoptions = Object.entries(signers).map(([person, key]) => {
    const statement: RosterAdoption = {
      ...{ schemaVersion: 1, says: 'roster-adopt', installation, person: person as PersonId, ticket: 'CHG-1', number: 1 },
      ...{ roster: canonicalDigest(roster), previous: null, nonce: randomBytes(16).toString('hex') },
      ...{ issuedAt: seconds(now - 1_000), expiresAt: seconds(now + 900_000) },
    };
    return { statement, signature: sshSign(key, canonicalBytes(statement), 'reseal-approval-v1') };
  });
  const kept: KeptRosters = { schemaVersion: 1, installation, steps: [{ roster, adoptions }] };
  await around.store(store).changeRosters(installation, () => kept, {});
}

const seconds = (instant: number): string => `${new Date(instant).toISOString().slice(0, 19)}Z`;
