import { keptRosters } from '../../src/statement/adopted-rosters.js';
import { canonicalDigest } from '../../src/statement/person.js';
import { asFailure, type Surroundings } from '../rotation/surroundings.js';
import type { RosterActivities } from './contract.js';
import { mustBeAdoptable } from './judge.js';
import { mergedWith, rostersIn, storesOfLines } from './kept.js';

export function createRosterActivities(around: Pick<Surroundings, 'configuration' | 'store' | 'clock'>): RosterActivities {
  return {
    adoptRoster: (signed) =>
      asFailure(async () => {
        const configuration = around.configuration();
        const { installation } = configuration.topology;
        const stores = await storesOfLines(around, configuration);
        const { rosters, step } = mustBeAdoptable(configuration, await rostersIn(stores, installation), signed, around.clock());
        const { person: by, ticket } = signed.statement;
        for (const [name, store] of stores) {
          const change = (kept: unknown): object => mergedWith(rosters, keptRosters(kept, installation), name);
          await store.changeRosters(installation, (kept) => unlessSame(kept, change(kept)), { by, ticket });
        }
        return { number: step.number, by: step.signers.map(({ person }) => person) };
      }),
  };
}

const unlessSame = (kept: unknown, wanted: object): object | null =>
  typeof kept === 'object' && kept !== null && canonicalDigest(kept) === canonicalDigest(wanted) ? null : wanted;
