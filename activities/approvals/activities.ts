import { approves } from '../../src/domain/rotation/statement.js';
import { canonicalDigest, statementSignature } from '../../src/statement/person.js';
import { asFailure, authorityOf, keysOf, rightsOf, type Surroundings } from '../rotation/surroundings.js';
import type { ApprovalActivities } from './contract.js';
import { judgeWord } from './judge.js';

export function createApprovalActivities(around: Pick<Surroundings, 'configuration'>): ApprovalActivities {
  return {
    judgeStatement: ({ statement, signature, keys, approvals }) =>
      asFailure(() =>
        Promise.resolve(
          judgeWord(() => around.configuration(), {
            person: statement.person,
            standing: statementSignature(statement, signature, keys),
            kind: approves(statement) ? 'lets-go-on' : 'stops',
            approvals,
          }),
        ),
      ),
    gateTerms: ({ line, offset, canary }) =>
      asFailure(() => {
        const configuration = around.configuration();
        const { roster } = configuration;
        return Promise.resolve({
          rights: rightsOf(configuration),
          keys: keysOf(roster),
          assurance: authorityOf(configuration, line, offset).assurance,
          roster: canonicalDigest(roster),
          canaryReport: canonicalDigest(canary),
        });
      }),
  };
}
