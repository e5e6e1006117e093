import type { OpenStore } from '../../../activities/manifest-store/contract.js';
import { openDeclaredStore } from '../../../activities/manifest-store/declared.js';
import { authorityOf } from '../../../activities/rotation/surroundings.js';
import type { Configuration } from '../../configuration/load.js';
import { rosterStanding, type AdoptedRoster } from '../../domain/adopted-rosters.js';
import type { LineName } from '../../domain/brands.js';
import { adoptedRosters } from '../../statement/adopted-rosters.js';
import { canonicalDigest } from '../../statement/person.js';
import { fail, pass, settle, type DoctorCheck, type Finding } from './finding.js';

const ADOPT = 'reseal roster adopt --as PERSON --ticket TICKET';

/** Whether gates can open with the roster as it is here, by each store of lines where everybody signs; where every node is simulated nobody has to adopt one. */
export function checkRoster(configuration: Configuration, home: string, now: number): Promise<readonly DoctorCheck[]> {
  const { topology, reseal } = configuration;
  const lines = Object.entries(topology.lines).filter(
    ([line]) => authorityOf(configuration, line as LineName, 0).assurance === 'signature',
  );
  const stores = [...new Set(lines.map(([, { store }]) => store))];
  return Promise.all(
    stores.map((name) =>
      settle(stores.length === 1 ? 'roster' : `roster in ${name}`, async () => {
        const store = await openDeclaredStore(reseal, name, home);
        try {
          // That a store is away is told by its own check.
          const kept = (await store.isThere()) ? await store.rosters(topology.installation) : null;
          const { steps } = adoptedRosters(kept, topology.installation);
          const here = lines.flatMap(([line, declared]) => (declared.store === name ? [line as LineName] : []));
          return steps.length === 0 && !(await hasHead(store, here)) ? NOT_YET : judge(steps, configuration, now);
        } finally {
          await store.close();
        }
      }),
    ),
  );
}

/** Before a line has its first manifest there is nothing to let through a gate. */
const NOT_YET: Finding = {
  verdict: 'later',
  reason: 'not adopted yet, and no line has a manifest yet where a node is not simulated',
  remedy: `Adopt it before the first rotation: ${ADOPT}`,
};

async function hasHead(store: OpenStore, lines: readonly LineName[]): Promise<boolean> {
  if (!(await store.isThere())) return false;
  const heads = await Promise.all(lines.map((line) => store.head(line)));
  return heads.some((head) => head !== null);
}

function judge(steps: readonly AdoptedRoster[], { roster }: Configuration, now: number): Finding {
  const standing = rosterStanding(steps, canonicalDigest(roster), now);
  if (standing.kind !== 'adopted')
    return fail(`not adopted: ${standing.reason}; nothing passes a gate where a node is not simulated`, `Adopt it: ${ADOPT}`);
  const signers = (steps.at(-1)?.signers ?? []).map(({ person }) => person);
  const adopted = `roster ${standing.number}, adopted by ${signers.join(', ')}`;
  if (standing.uncounted.length > 0)
    return fail(
      [adopted, ...standing.uncounted.map(({ person, because }) => `${person} ${because}`)].join('\n'),
      `Until a second person adopts it, or 7 days have passed, these do not count at a gate: ${ADOPT}`,
    );
  return pass(signers.length > 1 ? adopted : `${adopted} alone, so that machines with approvers pinned do not follow it: ${ADOPT}`);
}
