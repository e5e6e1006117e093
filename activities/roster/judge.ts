import type { Configuration } from '../../src/configuration/load.js';
import {
  readAdoption,
  type AdoptedRoster,
  type KeptRosters,
  type RosterAdoption,
  type SignedAdoption,
} from '../../src/domain/adopted-rosters.js';
import type { Duration, Instant } from '../../src/domain/brands.js';
import { ResealError } from '../../src/domain/errors.js';
import { untimely } from '../../src/domain/rotation/statement.js';
import { ticketRefusal } from '../../src/domain/tickets.js';
import { adoptedRosters } from '../../src/statement/adopted-rosters.js';
import { canonicalDigest } from '../../src/statement/person.js';

/** What is to be kept with one more adoption, and the roster that it is of. */
export interface Adopting {
  readonly rosters: KeptRosters;
  readonly step: AdoptedRoster;
}

/**
 * Whether an adoption counts beside what is kept already: that of the roster as it is now, or a further one of a roster that was adopted before. The control API asks before it
 * begins anything, and the worker again.
 * @throws ResealError STATEMENT_REFUSED, SIGNATURE_REFUSED, WRONG_TICKET, ALREADY_DECIDED
 */
export function mustBeAdoptable(configuration: Configuration, kept: KeptRosters, signed: SignedAdoption, now: Instant): Adopting {
  const { topology, policy, roster } = configuration;
  const read = readAdoption(signed.statement);
  if (read.kind === 'none') throw new ResealError('STATEMENT_REFUSED', `No statement can be read here: ${read.reason}.`);
  const { adoption } = read;
  const { person, number, ticket, installation } = adoption;
  const known = adoptedRosters(kept, topology.installation).steps;
  // What one store keeps and another does not, or a worker that died has kept already, is brought to all of them.
  const isKept = kept.steps[number - 1]?.adoptions.some(
    (one) => one.statement.nonce === adoption.nonce && one.signature === signed.signature,
  );
  if (isKept === true) return { rosters: kept, step: stepOf(known, number) };
  const wrong = ticketRefusal(ticket, policy);
  if (wrong !== null) throw new ResealError('WRONG_TICKET', `${wrong}.`);
  const other =
    installation === topology.installation
      ? (untimely(adoption, now) ?? datedBack(adoption, now))
      : `it is for the installation ${installation}, and this is ${topology.installation}`;
  if (other !== null) throw new ResealError('STATEMENT_REFUSED', `The signed statement does not count: ${other}.`);
  if (known[number - 1]?.signers.some((signer) => signer.person === person) === true)
    throw new ResealError('ALREADY_DECIDED', `${person} has adopted roster ${number} already, and adoptions count by person.`);
  const steps = withAdoption(kept, signed, roster);
  const judged = adoptedRosters({ ...kept, steps }, installation);
  const step = judged.steps[number - 1];
  if (step?.signers.some((signer) => signer.person === person) === true) return { rosters: { ...kept, steps }, step };
  throw new ResealError('SIGNATURE_REFUSED', `This adopts nothing: ${judged.reasons.at(-1) ?? 'nobody knows by whom it is'}.`);
}

/** How long before a store has it an adoption may be signed: from then on 7 days are counted of an edit that one person alone adopted. In milliseconds. */
const LONGEST_WAY: Duration = 3_600_000;

const datedBack = ({ issuedAt }: RosterAdoption, now: Instant): string | null =>
  now - Date.parse(issuedAt) > LONGEST_WAY
    ? `it is said to be of ${issuedAt}, and here it is ${new Date(now).toISOString()}; sign it again`
    : null;

const stepOf = (steps: readonly AdoptedRoster[], number: number): AdoptedRoster => {
  const step = steps[number - 1];
  if (step === undefined) throw new ResealError('INTERNAL', `Roster ${number} is kept, and counts for nothing.`);
  return step;
};

/** @throws ResealError STATEMENT_REFUSED */
function withAdoption(kept: KeptRosters, signed: SignedAdoption, roster: Configuration['roster']): KeptRosters['steps'] {
  const { number, roster: digest, previous } = signed.statement;
  const [count, newest] = [kept.steps.length, kept.steps.at(-1)];
  if (number <= count)
    return kept.steps.map((step, index) => (index === number - 1 ? { ...step, adoptions: [...step.adoptions, signed] } : step));
  const now = canonicalDigest(roster);
  const before = newest === undefined ? null : canonicalDigest(newest.roster);
  const refuse = (reason: string): ResealError => new ResealError('STATEMENT_REFUSED', `The signed statement does not count: ${reason}. Look again, and sign it again.`); // prettier-ignore
  if (number !== count + 1 || previous !== before)
    throw refuse(`it is to be roster ${number} after ${previous?.slice(0, 12) ?? 'none'}, and the newest is roster ${count}${before === null ? '' : `, ${before.slice(0, 12)}`}`); // prettier-ignore
  if (digest !== now) throw refuse(`it names the roster ${digest.slice(0, 12)}, and roster.yaml is ${now.slice(0, 12)} now`);
  if (digest === before) throw refuse(`that is roster ${count} already`);
  return [...kept.steps, { roster, adoptions: [signed] }];
}
