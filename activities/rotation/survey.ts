import { createHash } from 'node:crypto';
import type { Instant, Uuid } from '../../src/domain/brands.js';
import { dueAt, groupsOf, type Due } from '../../src/domain/groups.js';
import type { Manifest, ManifestEntry } from '../../src/domain/manifest.js';
import { fits, type SuccessorTerms } from '../../src/domain/successor.js';
import { matchSuccessors, type SuccessorMatches } from '../../src/domain/successor-match.js';
import type { Head } from '../manifest-store/contract.js';
import type { Candidate, IgnoredFile } from '../profile-source/contract.js';
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
  readonly fingerprint: string;
}

export async function surveyLine(around: Surroundings, request: Pick<RotationRequest, 'line' | 'offset' | 'successors'>): Promise<Survey> {
  const situation = situationOf(around, request.line);
  const { head, manifest: from } = await headOf(situation.store, request.line);
  const { policy } = situation.configuration;
  const terms: SuccessorTerms = { now: around.clock(), offset: request.offset, policy };
  const listings = await Promise.all(situation.declaration.sources.map((name) => around.source(name).list()));
  const candidates = listings.flatMap((listing) => listing.candidates);
  const due = asked(dueAt(from, policy, terms.now + terms.offset), from, candidates, terms, request.successors ?? []);
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
    fingerprint: fingerprintOf(head, candidates),
  };
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

/** What a person reads of entries that nothing fits. */
export const missingLines = (matches: SuccessorMatches<Candidate>): readonly string[] =>
  matches.entries.flatMap((match) => (match.outcome === 'missing' ? [match.reason] : []));

/** The first expiry of a line, for the sentence that nothing is due. */
export const firstExpiry = (from: Manifest): Instant => Math.min(...groupsOf(from).map((group) => group.expiresAt));
