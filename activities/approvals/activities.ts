import type { Configuration } from '../../src/configuration/load.js';
import type { PersonId } from '../../src/domain/brands.js';
import { ResealError } from '../../src/domain/errors.js';
import { approves } from '../../src/domain/rotation/statement.js';
import { canonicalDigest, statementSignature } from '../../src/statement/person.js';
import { fingerprintOf } from '../../src/statement/standing.js';
import { asFailure, authorityOf, keysOf, rightsOf, type Surroundings } from '../rotation/surroundings.js';
import type { ApprovalActivities, Judgement } from './contract.js';

export function createApprovalActivities(around: Pick<Surroundings, 'configuration'>): ApprovalActivities {
  return {
    judgeStatement: (asked) => asFailure(() => Promise.resolve(judge(around, asked))),
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

function judge(
  around: Pick<Surroundings, 'configuration'>,
  { statement, signature, keys, approvals }: Parameters<ApprovalActivities['judgeStatement']>[0],
): Judgement {
  const { person } = statement;
  const standing = statementSignature(statement, signature, keys);
  if (standing.kind === 'invalid') return { counts: false, reason: standing.reason };
  if (standing.kind === 'stranger')
    return { counts: false, reason: `it is signed by ${standing.fingerprint}, which was no key of ${person} when this was frozen` };
  const roster = rosterNow(around);
  if (roster === null) {
    return approves(statement)
      ? {
          counts: false,
          reason: 'the configuration with roster.yaml cannot be read now, so nobody knows whether that is still so; see reseal doctor',
        }
      : { counts: true, key: standing.fingerprint, voided: [] };
  }
  const has = (who: PersonId, key: string | null): boolean => {
    const found = roster.persons.find(({ id }) => id === who);
    return found !== undefined && (key === null || found.keys.some((own) => fingerprintOf(own.public) === key));
  };
  if (!has(person, standing.fingerprint))
    return { counts: false, reason: `${standing.fingerprint} is not a key of ${person} on the roster any more` };
  return {
    counts: true,
    key: standing.fingerprint,
    voided: approvals.filter((approval) => !has(approval.person, approval.key)).map((approval) => approval.person),
  };
}

function rosterNow(around: Pick<Surroundings, 'configuration'>): Configuration['roster'] | null {
  try {
    return around.configuration().roster;
  } catch (error) {
    if (error instanceof ResealError) return null;
    throw error;
  }
}
