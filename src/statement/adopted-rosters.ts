import type { Instant, PersonId, Sha256 } from '../domain/brands.js';
import {
  isYoungAndAlone,
  readAdoption,
  uncountedAt,
  type AdoptedRoster,
  type KeptRosters,
  type SignedAdoption,
} from '../domain/adopted-rosters.js';
import { mayDo, type Roster } from '../domain/roster.js';
import { RosterSchema } from '../schema/roster.js';
import { canonicalDigest, personSignature } from './person.js';
import { fingerprintOf } from './standing.js';

/** The rosters that were adopted one after another, and why what else is kept there does not count. */
export interface AdoptedRosters {
  readonly steps: readonly AdoptedRoster[];
  /** In words that end a sentence. */
  readonly reasons: readonly string[];
}

/** More than anybody signs: the rest of what somebody put into a store is not even looked at. */
export const MOST_SIGNERS = 50;
/** Rosters of one installation. */
const MOST_STEPS = 5_000;

/**
 * Which rosters people have adopted, by nothing but their signatures: each by somebody whom the roster before lets approve (or who was taken off it by one person alone, of late), the first one by somebody whom
 * it lets approve itself. What follows a step that nobody adopted counts for nothing.
 * @param document as a store keeps it, of anybody's making
 */
export function adoptedRosters(document: unknown, installation: string): AdoptedRosters {
  const kept = (document as { readonly steps?: unknown } | null)?.steps;
  const steps: AdoptedRoster[] = [];
  const reasons: string[] = [];
  for (const one of Array.isArray(kept) ? (kept as readonly unknown[]).slice(0, MOST_STEPS) : []) {
    const step = judgeStep(one, steps, installation, reasons);
    if (step === null) break;
    steps.push(step);
  }
  return { steps, reasons };
}

function judgeStep(kept: unknown, before: readonly AdoptedRoster[], installation: string, reasons: string[]): AdoptedRoster | null {
  const { roster: given, adoptions } = (kept ?? {}) as { readonly roster?: unknown; readonly adoptions?: unknown };
  const number = before.length + 1;
  const roster = rosterIn(given);
  if (roster === null || !Array.isArray(adoptions)) {
    reasons.push(`what is kept as roster ${number} is none`);
    return null;
  }
  const step = { number, digest: canonicalDigest(roster), roster, previous: before.at(-1) ?? null };
  const signers: AdoptedRoster['signers'][number][] = [];
  for (const one of (adoptions as readonly unknown[]).slice(0, MOST_SIGNERS)) {
    const judged = judgeAdoption(one, step, before, installation);
    if ('reason' in judged) reasons.push(judged.reason);
    else if (!signers.some(({ person }) => person === judged.person)) signers.push(judged);
  }
  return signers.length === 0 ? null : { number, digest: step.digest, roster, signers };
}

/** A roster by which it is judged who may adopt the next one, and those up to it; none for the first, which judges itself. */
interface Judge {
  readonly roster: Roster;
  readonly steps: readonly AdoptedRoster[];
}

/**
 * The roster before, and the one before all those that a single person each has adopted of late: whom such an edit took off may still take it back, or one
 * person could shut out everybody else for good.
 */
function judgesAt(before: readonly AdoptedRoster[], first: Roster, at: Instant): readonly Judge[] {
  const newest = before.at(-1);
  if (newest === undefined) return [{ roster: first, steps: [] }];
  const judge = { roster: newest.roster, steps: before };
  const settled = before.slice(0, Math.max(1, before.findLastIndex((step) => !isYoungAndAlone(step, at)) + 1));
  const last = settled.at(-1);
  return last === undefined || last === newest ? [judge] : [judge, { roster: last.roster, steps: settled }];
}

/** The keys with which a person adopts by that roster, without those that a young edit gave them, under whatever comment they stand there. */
function keysThatCount(
  { roster, steps }: Judge,
  person: PersonId,
  at: Instant,
): { readonly keys: readonly string[] } | { readonly reason: string } {
  const number = steps.at(-1)?.number;
  if (!mayDo(roster, person, 'approve'))
    return { reason: `${person} is nobody whom ${number === undefined ? 'the roster itself' : `roster ${number}`} lets approve` };
  const young = uncountedAt(steps, at).filter((one) => one.person === person && one.as === 'added');
  const whole = young.find(({ keys }) => keys === null);
  if (whole !== undefined) return { reason: `${person} does not count yet: ${person} ${whole.because}` };
  const unripe = new Set(young.flatMap(({ keys }) => (keys ?? []).map(fingerprintOf)));
  const own = roster.persons.find(({ id }) => id === person)?.keys ?? [];
  return { keys: own.flatMap((key) => (unripe.has(fingerprintOf(key.public)) ? [] : [key.public])) };
}

/** What the store keeps, as a roster of this version; what an earlier version kept has another digest, and is none. */
export function rosterIn(given: unknown): Roster | null {
  const parsed = RosterSchema.safeParse(given);
  return parsed.success ? parsed.data : null;
}

export type JudgedAdoption = AdoptedRoster['signers'][number] | { readonly reason: string };

/** @param before the rosters before it, in order */
function judgeAdoption(
  kept: unknown,
  { number, digest, roster, previous }: { number: number; digest: Sha256; roster: Roster; previous: AdoptedRoster | null },
  before: readonly AdoptedRoster[],
  installation: string,
): JudgedAdoption {
  const { statement, signature } = (kept ?? {}) as { readonly statement?: unknown; readonly signature?: unknown };
  const read = readAdoption(statement);
  if (read.kind === 'none' || typeof signature !== 'string') return { reason: `one adoption of roster ${number} is no signed statement` };
  const { adoption } = read;
  const { person } = adoption;
  if (adoption.installation !== installation)
    return { reason: `${person} has adopted a roster of ${adoption.installation}, and this is ${installation}` };
  if (adoption.number !== number || adoption.roster !== digest || adoption.previous !== (previous?.digest ?? null))
    return { reason: `${person} has adopted another roster than roster ${number} after the one before it` };
  const at = Date.parse(adoption.issuedAt);
  const judged = judgesAt(before, roster, at).map((judge) => keysThatCount(judge, person, at));
  const own = judged.flatMap((one) => ('keys' in one ? one.keys : []));
  const newest = judged[0];
  if (newest !== undefined && 'reason' in newest && judged.every((one) => 'reason' in one)) return { reason: newest.reason };
  const standing = personSignature(adoption, signature, own);
  if (standing.kind === 'invalid') return { reason: `what is said to be adopted by ${person} does not count: ${standing.reason}` };
  if (standing.kind === 'stranger') {
    const where = previous === null ? 'the roster itself' : `roster ${previous.number}`;
    return { reason: `${standing.fingerprint} is no key of ${person} on ${where} that counts` };
  }
  return { person, key: standing.fingerprint, at };
}

/** What is kept, where it has the form of it at all; else nothing. */
export function keptRosters(document: unknown, installation: string): KeptRosters {
  const { steps } = adoptedRosters(document, installation);
  const given = (document as KeptRosters | null)?.steps ?? [];
  return {
    schemaVersion: 1,
    installation,
    steps: steps.map(({ roster }, index) => ({ roster, adoptions: adoptionsIn(given[index]?.adoptions) })),
  };
}

const adoptionsIn = (given: unknown): readonly SignedAdoption[] =>
  (Array.isArray(given) ? (given as readonly (SignedAdoption | null)[]) : [])
    .slice(0, MOST_SIGNERS)
    .filter((one): one is SignedAdoption => one !== null && readAdoption(one.statement).kind === 'adoption');
