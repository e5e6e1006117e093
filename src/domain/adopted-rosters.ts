import type { Duration, Instant, PersonId, Sha256 } from './brands.js';
import { mayDo, type Person, type Roster, type RosterCommand } from './roster.js';
import { exactly, faultOf, instant, matches, NONCE, orNull, SHA256, text } from './rotation/statement.js';

/** The statement by which a person of the roster before takes over the one that follows it. */
export interface RosterAdoption {
  readonly schemaVersion: 1;
  readonly says: 'roster-adopt';
  readonly installation: string;
  readonly person: PersonId;
  readonly ticket: string;
  /** 1 for the first roster of an installation; no number is given twice. */
  readonly number: number;
  /** SHA-256 of the roster in canonical form. */
  readonly roster: Sha256;
  /** The same of the roster before; null for the first one. */
  readonly previous: Sha256 | null;
  readonly nonce: string;
  /** ISO 8601, UTC. */
  readonly issuedAt: string;
  readonly expiresAt: string;
}

export interface SignedAdoption {
  readonly statement: RosterAdoption;
  /** As `ssh-keygen -Y sign` writes it. */
  readonly signature: string;
}

/** What a store keeps of an installation's rosters, the first one first. Nothing vouches for it but the signatures in it. */
export interface KeptRosters {
  readonly schemaVersion: 1;
  readonly installation: string;
  readonly steps: readonly { readonly roster: Roster; readonly adoptions: readonly SignedAdoption[] }[];
}

/** A roster that was adopted, and by whom. */
export interface AdoptedRoster {
  readonly number: number;
  readonly digest: Sha256;
  readonly roster: Roster;
  /** Each person once; the first of them is the roster's editor. */
  readonly signers: readonly {
    readonly person: PersonId;
    /** Fingerprint, as `SHA256:…`. */
    readonly key: string;
    readonly at: Instant;
  }[];
}

/** Somebody, or some of their keys, whose approval does not count at a gate though the roster names them. */
export interface Uncounted {
  readonly person: PersonId;
  /** Public keys that do not count, as on the roster; null: nothing of theirs does. */
  readonly keys: readonly string[] | null;
  /** Whether they edited the roster, or the edit added them. */
  readonly as: 'editor' | 'added';
  /** In words that follow their name. */
  readonly because: string;
}

/** How the roster stands with those who were adopted. */
export type RosterStanding =
  | { readonly kind: 'adopted'; readonly number: number; readonly uncounted: readonly Uncounted[] }
  /** `never`: nobody has adopted any yet. The reason is in words that end a sentence. */
  | { readonly kind: 'never' | 'other'; readonly reason: string };

/** For how long an edit that one person alone adopted does not count for that person, nor for what it added. In milliseconds. */
export const ALONE_FOR: Duration = 7 * 24 * 3_600_000;
/** Persons of the roster before who make an edit count at once. */
const TOGETHER = 2;

const FIELDS = {
  schemaVersion: exactly(1),
  says: exactly('roster-adopt'),
  installation: text(64),
  person: text(64),
  ticket: text(64),
  number: (value: unknown) => Number.isSafeInteger(value) && (value as number) > 0,
  roster: matches(SHA256),
  previous: orNull(matches(SHA256)),
  nonce: matches(NONCE),
  issuedAt: instant,
  expiresAt: instant,
};

export type ReadAdoption =
  | { readonly kind: 'adoption'; readonly adoption: RosterAdoption }
  /** In words that end a sentence. */
  | { readonly kind: 'none'; readonly reason: string };

/** Reads what claims to adopt a roster. Every field is there, of its form, and no other: what is signed is all understood. */
export function readAdoption(value: unknown): ReadAdoption {
  const fault = faultOf(value, FIELDS);
  return fault === null ? { kind: 'adoption', adoption: value as RosterAdoption } : { kind: 'none', reason: fault };
}

/** Public keys are the same whatever comment follows them. */
const keyWithoutComment = (line: string): string => line.split(' ').slice(0, 2).join(' ');
const personIn = (roster: Roster | null, id: PersonId): Person | undefined => roster?.persons.find((person) => person.id === id);

/** The keys of a person that another version of them has not. */
export function keysBeyond(person: Person, other: Person | undefined): readonly string[] {
  const known = new Set((other?.keys ?? []).map((key) => keyWithoutComment(key.public)));
  return person.keys.flatMap((key) => (known.has(keyWithoutComment(key.public)) ? [] : [key.public]));
}

/** Who does not count at a gate now, by edits that one person alone adopted and that are young still. @param steps adopted rosters, in order */
export function uncountedAt(steps: readonly AdoptedRoster[], now: Instant): readonly Uncounted[] {
  return steps.flatMap(({ number, roster, signers }, index): readonly Uncounted[] => {
    const [editor, second] = signers;
    if (editor === undefined || second !== undefined || now - editor.at >= ALONE_FOR) return [];
    const at = `${new Date(editor.at).toISOString().slice(0, 16)}Z`;
    const added = additions(steps[index - 1]?.roster ?? null, roster)
      .filter(({ person }) => person !== editor.person)
      .flatMap((one) => asOn(steps.at(-1)?.roster ?? roster, one));
    return [
      { person: editor.person, keys: null, as: 'editor', because: `adopted roster ${number} alone, at ${at}` },
      ...added.map(({ person, keys, what }): Uncounted => ({
        ...{ person, keys, as: 'added' },
        because: `${what} by roster ${number}, which ${editor.person} adopted alone, at ${at}`,
      })),
    ];
  });
}

/** Whether one person alone had adopted it then, and not long before: a second one who came later changes nothing of what was adopted meanwhile. */
export function isYoungAndAlone({ signers: [editor, second] }: AdoptedRoster, at: Instant): boolean {
  return editor !== undefined && (second === undefined || second.at > at) && at - editor.at < ALONE_FOR;
}

interface Addition {
  readonly person: PersonId;
  /** Null: nothing of theirs counts. */
  readonly keys: readonly string[] | null;
  readonly what: string;
}

/** What is left of it on a later roster, where a key may stand under another comment, and one of before may be back. */
function asOn(roster: Roster, { person: id, keys, what }: Addition): readonly Addition[] {
  if (keys === null) return [{ person: id, keys, what }];
  const person = personIn(roster, id);
  const given = new Set(keys.map(keyWithoutComment));
  const left = (person?.keys ?? []).flatMap((key) => (given.has(keyWithoutComment(key.public)) ? [key.public] : []));
  return left.length === 0 ? [] : [{ person: id, keys: left.length === person?.keys.length ? null : left, what }];
}

/** What an edit gave to whom, as far as it bears on approvals. */
function additions(before: Roster | null, after: Roster): readonly Addition[] {
  return after.persons.flatMap((person): readonly Addition[] => {
    const { id } = person;
    const known = personIn(before, id);
    if (known === undefined) return [{ person: id, keys: null, what: 'was added' }];
    if (before !== null && mayDo(after, id, 'approve') && !mayDo(before, id, 'approve'))
      return [{ person: id, keys: null, what: 'was given the right to approve' }];
    const keys = keysBeyond(person, known);
    if (keys.length === 0) return [];
    return [{ person: id, keys, what: 'was given a key' }];
  });
}

/** @param digest of the roster as it is now */
export function rosterStanding(steps: readonly AdoptedRoster[], digest: Sha256, now: Instant): RosterStanding {
  const newest = steps.at(-1);
  if (newest === undefined) return { kind: 'never', reason: 'nobody has adopted a roster of this installation yet' };
  if (newest.digest === digest) return { kind: 'adopted', number: newest.number, uncounted: uncountedAt(steps, now) };
  const earlier = steps.findLast((step) => step.digest === digest);
  const by = newest.signers.map(({ person }) => person).join(' and ');
  return {
    kind: 'other',
    reason:
      earlier === undefined
        ? `roster.yaml has changed since ${by} adopted roster ${newest.number}`
        : `it is roster ${earlier.number} again, and roster ${newest.number} has taken its place, adopted by ${by}`,
  };
}

/** What somebody says, as far as it matters on which roster they stand. */
export interface Standing {
  readonly person: PersonId;
  readonly right: RosterCommand;
  /** Whether it was signed by this key of a roster. */
  readonly signedBy: (publicKey: string) => boolean;
}

/**
 * Why what a person signs does not count by the rosters that people have adopted, whatever roster.yaml says today; null: it does, or nobody has adopted any. In
 * words that end a sentence.
 * @param steps adopted rosters, in order
 */
export function standsNotOn(steps: readonly AdoptedRoster[], { person: id, right, signedBy }: Standing, now: Instant): string | null {
  const newest = steps.at(-1);
  if (newest === undefined) return null;
  const roster = `roster ${newest.number}, the newest that people have adopted`;
  const person = personIn(newest.roster, id);
  if (person === undefined) return `${id} is not on ${roster}`;
  if (!mayDo(newest.roster, id, right)) return `${roster}, does not let ${id} ${right}`;
  if (!person.keys.some((key) => signedBy(key.public))) return `${id} has not the key that signed it on ${roster}`;
  const given = rightGivenAlone(steps, id, right, now);
  if (given !== null) return given;
  const out = uncountedAt(steps, now).find((one) => one.person === id && (one.keys === null || one.keys.some(signedBy)));
  return out === undefined ? null : `${id} ${out.because}`;
}

/** That somebody has a right by an edit that one person alone adopted, and that is young still; null: they have not. In words that end a sentence. */
function rightGivenAlone(steps: readonly AdoptedRoster[], id: PersonId, right: RosterCommand, now: Instant): string | null {
  const by = steps.find(
    (step, index) =>
      index > 0 && isYoungAndAlone(step, now) && mayDo(step.roster, id, right) && !mayDo((steps[index - 1] ?? step).roster, id, right),
  );
  return by === undefined
    ? null
    : `${id} was given the right to ${right} by roster ${by.number}, which ${by.signers[0]?.person ?? 'nobody'} adopted alone`;
}

/** Whose approvals do not count, where a roster is adopted; where none is nothing passes at all. */
export const uncountedIn = (standing: RosterStanding): readonly Uncounted[] => (standing.kind === 'adopted' ? standing.uncounted : []);

/** Whether a gate would be better served by another person's signature: as many as nodes ask for, and two in any case. */
export const needsAnother = (step: AdoptedRoster, approvals: number): boolean => step.signers.length < Math.max(TOGETHER, approvals);

/** The same rosters with the adoptions of both; null: they are not the same, one of them was put in another's place. */
export function together(one: KeptRosters, other: KeptRosters, digestOf: (roster: Roster) => Sha256): KeptRosters | null {
  const [longer, shorter] = one.steps.length >= other.steps.length ? [one, other] : [other, one];
  if (shorter.steps.some(({ roster }, index) => digestOf(roster) !== digestOf((longer.steps[index] ?? { roster }).roster))) return null;
  const steps = longer.steps.map(({ roster, adoptions }, index) => {
    const nonces = new Set(adoptions.map(({ statement }) => statement.nonce));
    const more = (shorter.steps[index]?.adoptions ?? []).filter(({ statement }) => !nonces.has(statement.nonce));
    return { roster, adoptions: [...adoptions, ...more] };
  });
  return { ...longer, steps };
}
