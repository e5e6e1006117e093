import { readAdoption } from '../domain/adopted-rosters.js';
import type { PersonId, Sha256 } from '../domain/brands.js';
import type { PinnedApprovers } from '../domain/node/approved.js';
import { mayDo, type Roster } from '../domain/roster.js';
import { MOST_SIGNERS, rosterIn } from './adopted-rosters.js';
import { personSignature, canonicalDigest } from './person.js';

/** Rosters that a machine follows at once; where more have been adopted, it follows the rest the next time. */
const MOST_STEPS = 100;

/** Who of a roster may approve and can sign it: whom a machine pins. */
export const approversIn = (roster: Roster): PinnedApprovers['keys'] =>
  Object.fromEntries(
    roster.persons
      .filter(({ id, keys }) => keys.length > 0 && mayDo(roster, id, 'approve'))
      .map(({ id, keys }) => [id, keys.map((key) => key.public)]),
  );

/**
 * Those who are pinned, then those of each further roster that a machine follows them to: one that as many of the persons before have adopted as are needed
 * there, and that has as many. It ends at the first that has not, and never leads back: a number comes once.
 * @param document adopted rosters as a store keeps them, of anybody's making
 */
export function pinsAlong(document: unknown, pinned: PinnedApprovers): readonly PinnedApprovers[] {
  const kept = (document as { readonly steps?: unknown } | null)?.steps;
  const steps: readonly unknown[] = Array.isArray(kept) ? kept : [];
  const at = placeOf(steps, pinned);
  const along = [pinned];
  let last = pinned;
  for (const step of at === null ? [] : steps.slice(at + 1, at + 1 + MOST_STEPS)) {
    const next = following(step, last, at === null ? 0 : at + 1 + along.length);
    if (next === null) break;
    along.push(next);
    last = next;
  }
  return along;
}

/** Where the pinned roster stands among those that were adopted, the last time; null: nowhere. */
function placeOf(steps: readonly unknown[], { roster, number }: PinnedApprovers): number | null {
  if (roster === undefined) return null;
  const isIt = (step: unknown): boolean => {
    const found = rosterOf(step);
    return found !== null && canonicalDigest(found) === roster;
  };
  if (number !== undefined) return isIt(steps[number - 1]) ? number - 1 : null;
  const place = steps.findLastIndex(isIt);
  return place < 0 ? null : place;
}

const rosterOf = (step: unknown): Roster | null => rosterIn((step as { readonly roster?: unknown } | null)?.roster);

function following(step: unknown, pinned: PinnedApprovers, number: number): PinnedApprovers | null {
  const roster = rosterOf(step);
  if (roster === null) return null;
  const digest = canonicalDigest(roster);
  const keys = approversIn(roster);
  if (signersOf(step, { number, digest }, pinned).size < pinned.needed || Object.keys(keys).length < pinned.needed) return null;
  return { ...pinned, keys, roster: digest, number };
}

/** Persons among those pinned who have adopted it, after the roster that is pinned. */
function signersOf(
  step: unknown,
  { number, digest }: { readonly number: number; readonly digest: Sha256 },
  { installation, keys, roster }: PinnedApprovers,
): ReadonlySet<PersonId> {
  const kept = (step as { readonly adoptions?: unknown }).adoptions;
  const persons = new Set<PersonId>();
  for (const one of Array.isArray(kept) ? (kept as readonly unknown[]).slice(0, MOST_SIGNERS) : []) {
    const { statement, signature } = (one ?? {}) as { readonly statement?: unknown; readonly signature?: unknown };
    const read = readAdoption(statement);
    if (read.kind === 'none' || typeof signature !== 'string') continue;
    const { adoption } = read;
    const { person } = adoption;
    const isThis =
      adoption.installation === installation && adoption.number === number && adoption.roster === digest && adoption.previous === roster;
    const own = Object.hasOwn(keys, person) ? (keys[person] ?? []) : [];
    if (isThis && personSignature(adoption, signature, own).kind === 'declared') persons.add(person);
  }
  return persons;
}
