import type { Configuration } from '../../src/configuration/load.js';
import type { PersonId } from '../../src/domain/brands.js';
import { ResealError } from '../../src/domain/errors.js';
import { mustSign } from '../../src/domain/rotation/commands.js';
import type { Authority } from '../../src/domain/rotation/state.js';
import type { SignatureStanding } from '../../src/domain/signing/standing.js';
import { fingerprintOf } from '../../src/statement/standing.js';
import type { Judgement } from './contract.js';

/** A word and what it is judged by. */
export interface Word {
  readonly person: PersonId;
  /** Of its signature, among the person's keys as frozen. */
  readonly standing: SignatureStanding;
  /** What it lets happen needs the roster of now; what stops something does not. */
  readonly kind: 'lets-go-on' | 'stops';
  readonly approvals: readonly { readonly person: PersonId; readonly key: string | null }[];
  /** Public keys among those frozen that let nothing go on. */
  readonly uncounted?: readonly string[];
}

/** Judges a signature by the keys that were frozen, and by the roster as it is now. */
export function judgeWord(configuration: () => Configuration, { person, standing, kind, approvals, uncounted = [] }: Word): Judgement {
  if (standing.kind === 'invalid') return { counts: false, reason: standing.reason };
  if (standing.kind === 'stranger')
    return { counts: false, reason: `it is signed by ${standing.fingerprint}, which was no key of ${person} when this was frozen` };
  if (kind === 'lets-go-on' && uncounted.some((key) => fingerprintOf(key) === standing.fingerprint))
    return { counts: false, reason: `${standing.fingerprint} was given to ${person} by an edit of the roster that one person adopted alone, less than 7 days before the gate opened; a key of before counts` }; // prettier-ignore
  const roster = rosterNow(configuration);
  if (roster === null) {
    return kind === 'lets-go-on'
      ? {
          counts: false,
          reason: 'the configuration with roster.yaml cannot be read now, so nobody knows whether that is still so; see reseal doctor',
        }
      : { counts: true, key: standing.fingerprint, voided: [] };
  }
  const isWith = holdsKeyIn(roster);
  if (!isWith(person, standing.fingerprint))
    return { counts: false, reason: `${standing.fingerprint} is not a key of ${person} on the roster any more` };
  return {
    counts: true,
    key: standing.fingerprint,
    voided: approvals.filter((one) => !isWith(one.person, one.key)).map((one) => one.person),
  };
}

/** Whether a person is on a roster, with a key where one is named. */
export const holdsKeyIn =
  ({ persons }: Configuration['roster']) =>
  (who: PersonId, key: string | null): boolean => {
    const found = persons.find(({ id }) => id === who);
    return found !== undefined && (key === null || found.keys.some((own) => fingerprintOf(own.public) === key));
  };

export function rosterNow(configuration: () => Configuration): Configuration['roster'] | null {
  try {
    return configuration().roster;
  } catch (error) {
    if (error instanceof ResealError) return null;
    throw error;
  }
}

/** @throws ResealError SIGNATURE_NEEDED where a person's name alone does not count */
export function mustCountByName(authority: Pick<Authority, 'assurance' | 'keys'>, by: PersonId): void {
  const refusal = mustSign(authority, by);
  if (refusal !== null) throw new ResealError('SIGNATURE_NEEDED', `${refusal.charAt(0).toUpperCase()}${refusal.slice(1)}.`);
}

/** @param standing among the keys that the roster has of `by` @throws ResealError SIGNATURE_REFUSED */
export function mustBeSignedBy(by: PersonId, standing: SignatureStanding): void {
  switch (standing.kind) {
    case 'declared':
      return;
    case 'invalid':
      throw new ResealError('SIGNATURE_REFUSED', `What ${by} says is not signed: ${standing.reason}.`);
    case 'stranger':
      throw new ResealError('SIGNATURE_REFUSED', `It is signed by ${standing.fingerprint}, which is no key of ${by} on the roster.`);
  }
}
