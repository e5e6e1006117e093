import { standsNotOn, uncountedIn } from '../../src/domain/adopted-rosters.js';
import { approves, type CommandStatement } from '../../src/domain/rotation/statement.js';
import { canonicalDigest, personSignature, signedWith } from '../../src/statement/person.js';
import { adoptedOn, notAdopted, rosterStandingOn } from '../roster/standing.js';
import { asFailure, authorityOf, keysOf, rightsOf, type Surroundings } from '../rotation/surroundings.js';
import type { ApprovalActivities, Judgement } from './contract.js';
import { judgeWord } from './judge.js';

/** That who leaves nodes out does not stand on the roster that people have adopted; null: they do, or need not. @throws ResealError STORE_UNREACHABLE */
async function offRoster(around: Surroundings, statement: CommandStatement, signature: string): Promise<Judgement | null> {
  const { line, person } = statement;
  if (authorityOf(around.configuration(), line, 0).assurance === 'name') return null;
  const standing = { person, right: 'exclude', signedBy: signedWith(statement, signature) } as const;
  const lacks = standsNotOn(await adoptedOn(around, line), standing, around.clock());
  return lacks === null ? null : { counts: false, reason: lacks };
}

export function createApprovalActivities(around: Surroundings): ApprovalActivities {
  return {
    judgeStatement: ({ statement, signature, keys, uncounted, approvals }) =>
      asFailure(async () => {
        const judged = judgeWord(() => around.configuration(), {
          person: statement.person,
          standing: personSignature(statement, signature, keys),
          kind: approves(statement) || statement.says === 'exclude' ? 'lets-go-on' : 'stops',
          approvals,
          uncounted: uncounted ?? [],
        });
        // An approval has a gate that looks at the roster; nodes are left out without one.
        return judged.counts && statement.says === 'exclude' ? ((await offRoster(around, statement, signature)) ?? judged) : judged;
      }),
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
