import { createHash } from 'node:crypto';
import type { Instant, Uuid } from '../../src/domain/brands.js';
import { dueAt, dueByRevocation, groupsOf, type Due } from '../../src/domain/groups.js';
import type { Manifest, ManifestEntry } from '../../src/domain/manifest.js';
import { ResealError } from '../../src/domain/errors.js';
import { fits, type SuccessorTerms } from '../../src/domain/successor.js';
import { matchSuccessors, type SuccessorMatches } from '../../src/domain/successor-match.js';
import type { Head } from '../manifest-store/contract.js';
import type { Candidate, IgnoredFile, Listing } from '../profile-source/contract.js';
import type { RotationRequest } from './contract.js';
import { headOf, situationOf, type LineSituation, type Surroundings } from './surroundings.js';

/** A line as it stands: what is due on it, and what its sources offer. */
export interface Survey {
  readonly situation: LineSituation;
  readonly head: Head;
  readonly from: Manifest;
  readonly due: Due;
  readonly matches: SuccessorMatches<Candidate>;
  /** Every verified profile of its sources, whether it fits or not. */
  readonly offered: readonly Candidate[];
  readonly ignored: readonly string[];
  /** Why sources could not be looked at; what they would offer is not known then. */
  readonly troubles: readonly ResealError[];
  readonly terms: SuccessorTerms;
  readonly fingerprint: string;
}

export async function surveyLine(
  around: Surroundings,
  request: Pick<RotationRequest, 'line' | 'offset' | 'successors' | 'emergency'>,
): Promise<Survey> {
  const situation = situationOf(around, request.line);
  const { head, manifest: from } = await headOf(situation.store, request.line);
  const { policy } = situation.configuration;
  const { emergency } = request;
  const terms: SuccessorTerms = {
    ...{ now: around.clock(), offset: request.offset, policy },
    ...(emergency === undefined ? {} : { revoked: [emergency.revoked] }),
  };
  const looks = await Promise.all(situation.declaration.sources.map((name) => look(around, name)));
  const listings = looks.filter((one) => 'candidates' in one);
  const troubles = looks.filter((one) => one instanceof ResealError);
  const candidates = listings.flatMap((listing) => listing.candidates);
  const due =
    emergency === undefined
      ? asked(dueAt(from, policy, terms.now + terms.offset), from, candidates, terms, request.successors ?? [])
      : dueByRevocation(from, emergency.revoked);
  const matches = matchSuccessors({
    from,
    due: due.entries,
    candidates,
    terms,
    ...(request.successors === undefined ? {} : { chosen: request.successors }),
  });
  return {
    situation,
    head,
    from,
    due,
    matches,
    offered: candidates,
    ignored: ignoredLines(
      listings.flatMap((listing) => listing.ignored),
      matches,
    ),
    troubles,
    terms,
    fingerprint: fingerprintOf(head, candidates),
  };
}

/** One source that is away, or does not let reseal in, keeps no other one from being looked at: there may be all that is needed. */
async function look(around: Surroundings, name: string): Promise<Listing | ResealError> {
  try {
    return await around.source(name).list();
  } catch (error) {
    if (error instanceof ResealError && (error.code === 'SOURCE_UNREACHABLE' || error.code === 'SOURCE_REFUSED')) return error;
    throw error;
  }
}

/** With nothing due, choosing successors by name asks for their entries' groups to be replaced early. */
function asked(due: Due, from: Manifest, candidates: readonly Candidate[], terms: SuccessorTerms, chosen: readonly Uuid[]): Due {
  if (due.entries.length > 0 || chosen.length === 0) return due;
  const wanted = candidates.filter((candidate) => chosen.includes(candidate.profile.uuid));
  const isWanted = (entry: ManifestEntry): boolean => wanted.some((candidate) => fits(entry, candidate, from, terms).fits);
  const groups = groupsOf(from).filter((group) => group.entries.some(isWanted));
  if (groups.length === 0) return due;
  return {
    groups,
    entries: groups.flatMap((group) => group.entries),
    expiresFirst: Math.min(...groups.map((group) => group.expiresAt)),
    dyingCertificates: [],
  };
}

function ignoredLines(files: readonly IgnoredFile[], matches: SuccessorMatches<Candidate>): readonly string[] {
  return [
    ...files.map((file) => `${file.path}: ${file.reasons.join('; ')}`),
    ...matches.ignored.map(({ candidate, reasons }) => `${candidate.origin.path}: ${reasons.join('; ')}`),
  ].slice(0, 20);
}

function fingerprintOf(head: Head, candidates: readonly Candidate[]): string {
  const digests = candidates.map((candidate) => candidate.profile.sha256).sort();
  return createHash('sha256')
    .update([head.digest, ...digests].join('\n'))
    .digest('hex');
}

/** What a person reads of entries that nothing fits, and of the sources where it might have been. */
export function missingLines({ matches, troubles }: Pick<Survey, 'matches' | 'troubles'>): readonly string[] {
  const missing = matches.entries.flatMap((match) => (match.outcome === 'missing' ? [match.reason] : []));
  return missing.length === 0 ? [] : [...missing, ...troubles.map((trouble) => trouble.message)];
}

/** The first expiry of a line, for the sentence that nothing is due. */
export const firstExpiry = (from: Manifest): Instant => Math.min(...groupsOf(from).map((group) => group.expiresAt));
