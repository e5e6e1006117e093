import { clonesFolder } from '../../../activities/git/clone.js';
import { openDeclaredSource } from '../../../activities/profile-source/declared.js';
import type { Configuration } from '../../configuration/load.js';
import { ResealError } from '../../domain/errors.js';
import { VerifiedProfiles } from '../../profile/index.js';
import { trustedRoots } from '../../profile/trusted-roots.js';
import { pass, settle, type DoctorCheck } from './finding.js';

/** How many files that are no use are named. */
const SHOWN = 5;

/** Looks at every source that is somewhere else, as a rotation would: whether it answers, lets this account in, and what of it is of use. */
export async function checkSources(
  configuration: Configuration,
  home: string,
  environment: NodeJS.ProcessEnv,
): Promise<readonly DoctorCheck[]> {
  const { reseal, topology } = configuration;
  const elsewhere = Object.entries(reseal.sources).flatMap(([name, source]) => (source.kind === 'drop' ? [] : [{ name, url: source.url }]));
  if (elsewhere.length === 0) return [];
  const profiles = new VerifiedProfiles({ roots: trustedRoots(configuration) });
  const around = { clones: clonesFolder(home), profiles, holders: topology.nodes.map((node) => node.name), environment };
  return Promise.all(
    elsewhere.map(({ name, url }) =>
      settle(`source ${name}`, async () => {
        try {
          const { candidates, ignored } = await openDeclaredSource(reseal, name, around).list();
          const left = ignored.slice(0, SHOWN).map((one) => `${one.path}: ${one.reasons.join('; ')}`);
          const more = ignored.length > SHOWN ? [`and ${ignored.length - SHOWN} more`] : [];
          return pass([`${url}: ${candidates.length} profiles, ${ignored.length} passed over`, ...left, ...more].join('\n'));
        } catch (error) {
          if (error instanceof ResealError && error.code === 'SOURCE_UNREACHABLE')
            return { verdict: 'away', reason: error.message, remedy: '' };
          throw error;
        }
      }),
    ),
  );
}
