import { keysBeyond, needsAnother, type AdoptedRoster, type RosterStanding, type SignedAdoption } from '../domain/adopted-rosters.js';
import type { Sha256 } from '../domain/brands.js';
import type { Person, Roster, RosterCommand } from '../domain/roster.js';
import { fingerprintOf } from '../statement/standing.js';

/** The roster as it is, and as people adopted it. */
export interface RosterView {
  readonly schemaVersion: 1;
  readonly installation: string;
  /** SHA-256 of `roster` in canonical form. */
  readonly digest: Sha256;
  readonly roster: Roster;
  readonly persons: readonly RosterPersonView[];
  /** Lines where everybody signs, so that nothing passes a gate with a roster that nobody adopted. */
  readonly demandedBy: readonly string[];
  /** How many approvals a gate needs; nodes ask for as many adoptions. */
  readonly approvals: number;
  readonly standing: RosterStanding;
  /** The newest adopted rosters, in order. */
  readonly adopted: readonly AdoptedRoster[];
  /** Stores that have not got all of them; `newest` brings them there. */
  readonly lagging: readonly string[];
  readonly newest: SignedAdoption | null;
}

/** The adopted roster with which something came, and who adopted that. */
export interface Since {
  readonly number: number;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly by: readonly string[];
}

export interface RosterPersonView {
  readonly id: string;
  readonly name: string;
  readonly roles: readonly string[];
  readonly rights: readonly RosterCommand[];
  /** Null: no adopted roster has this person. */
  readonly since: Since | null;
  readonly keys: readonly { readonly fingerprint: string; readonly since: Since | null }[];
}

/** How many adopted rosters a view shows. */
const SHOWN = 30;

export function rosterView(
  facts: Pick<RosterView, 'installation' | 'digest' | 'roster' | 'demandedBy' | 'approvals' | 'standing' | 'lagging' | 'newest'>,
  steps: readonly AdoptedRoster[],
): RosterView {
  return {
    schemaVersion: 1,
    ...facts,
    persons: facts.roster.persons.map((person) => personView(person, facts.roster, steps)),
    adopted: steps.slice(-SHOWN),
  };
}

function personView(person: Person, roster: Roster, steps: readonly AdoptedRoster[]): RosterPersonView {
  const { id, name, roles } = person;
  const here = (step: AdoptedRoster): Person | undefined => step.roster.persons.find((one) => one.id === id);
  return {
    ...{ id, name, roles },
    rights: [...new Set(roles.flatMap((role) => roster.roles[role] ?? []))],
    since: sinceOf(steps, (step) => here(step) !== undefined),
    keys: person.keys.map((key) => ({
      fingerprint: fingerprintOf(key.public) ?? 'a key that cannot be read',
      since: sinceOf(steps, (step) => keysBeyond({ ...person, keys: [key] }, here(step)).length === 0),
    })),
  };
}

/** Of the rosters up to the newest one, the first from which on it holds without a break; null: not of the newest. */
function sinceOf(steps: readonly AdoptedRoster[], holds: (step: AdoptedRoster) => boolean): Since | null {
  const first = steps[steps.findLastIndex((step) => !holds(step)) + 1];
  const [editor] = first?.signers ?? [];
  if (first === undefined || editor === undefined) return null;
  return { number: first.number, at: new Date(editor.at).toISOString(), by: first.signers.map(({ person }) => person) };
}

/** A roster that is to be signed by a person, and what it is compared with. */
export interface RosterToSign {
  readonly number: number;
  readonly digest: Sha256;
  readonly roster: Roster;
  readonly before: { readonly digest: Sha256; readonly roster: Roster } | null;
  /** Who has adopted it by now. */
  readonly by: readonly string[];
}

/** What `person` may sign now: adopted rosters that want another signature, then the roster as it is where nobody has adopted it. */
export function rostersToSign({ adopted, approvals, digest, roster }: RosterView, person: string): readonly RosterToSign[] {
  const wanting = adopted.flatMap((step, index): readonly RosterToSign[] => {
    const before = adopted[index - 1] ?? null;
    const judge = before?.roster ?? step.roster;
    const hasBefore = before !== null || step.number === 1;
    const by = step.signers.map((signer) => signer.person as string);
    const isOn = (one: Roster): boolean => one.persons.some(({ id }) => id === person);
    // Whom an edit took off is not asked to make it count.
    if (!hasBefore || by.includes(person) || !needsAnother(step, approvals) || !isOn(judge) || !isOn(step.roster)) return [];
    return [{ number: step.number, digest: step.digest, roster: step.roster, before, by }];
  });
  const newest = adopted.at(-1) ?? null;
  if (newest?.digest === digest) return wanting;
  return [...wanting, { number: (newest?.number ?? 0) + 1, digest, roster, before: newest, by: [] }];
}
