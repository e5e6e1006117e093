import { uncountedIn } from '../../src/domain/adopted-rosters.js';
import { approves } from '../../src/domain/rotation/statement.js';
import { canonicalDigest, personSignature } from '../../src/statement/person.js';
import { notAdopted, rosterStandingOn } from '../roster/standing.js';
import { asFailure, authorityOf, keysOf, rightsOf, type Surroundings } from '../rotation/surroundings.js';
import type { ApprovalActivities } from './contract.js';
import { judgeWord } from './judge.js';

export function createApprovalActivities(around: Surroundings): ApprovalActivities {
  return {
    judgeStatement: ({ statement, signature, keys, uncounted, approvals }) =>
      asFailure(() =>
        Promise.resolve(
          judgeWord(() => around.configuration(), {
            person: statement.person,
            standing: personSignature(statement, signature, keys),
            kind: approves(statement) || statement.says === 'exclude' ? 'lets-go-on' : 'stops',
            approvals,
            uncounted: uncounted ?? [],
          }),
        ),
      ),
    gateTerms: ({ line, offset, canary, assurance: frozen }) =>
      asFailure(async () => {
        const configuration = around.configuration();
        const { roster } = configuration;
        const { assurance } = authorityOf(configuration, line, offset);
        const standing = await rosterStandingOn({ ...around, configuration: () => configuration }, line);
        const reason = notAdopted(standing, frozen === 'signature' ? frozen : assurance);
        return {
          rights: rightsOf(configuration),
          keys: keysOf(roster),
          assurance,
          roster: canonicalDigest(roster),
          canaryReport: canonicalDigest(canary),
          adoption: { reason, uncounted: uncountedIn(standing) },
        };
      }),
  };
}
