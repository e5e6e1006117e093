import type { Sha1, Uuid } from './brands.js';
import type { Manifest, ManifestEntry } from './manifest.js';
import type { ProfileDescription } from './profile.js';
import type { RotationKind } from './rotation/state.js';
import { entryKey } from './manifest-rules.js';
import { candidateName, fits, livingCertificates, type SuccessorCandidate, type SuccessorTerms } from './successor.js';

export type EntryMatch<C extends SuccessorCandidate = SuccessorCandidate> =
  | { readonly outcome: 'matched'; readonly entry: ManifestEntry; readonly candidate: C; readonly identity: Sha1 }
  | { readonly outcome: 'missing'; readonly entry: ManifestEntry; readonly reason: string }
  /** Several fit (or several certificates could be the identity); the reason names them all. */
  | { readonly outcome: 'ambiguous'; readonly entry: ManifestEntry; readonly candidates: readonly C[]; readonly reason: string };

export interface IgnoredCandidate<C extends SuccessorCandidate = SuccessorCandidate> {
  readonly candidate: C;
  /** Per entry that it was held against, the entry first where there are several. */
  readonly reasons: readonly string[];
}

export interface SuccessorMatches<C extends SuccessorCandidate = SuccessorCandidate> {
  /** `certificate` as soon as one entry changes its identity; null while nothing is matched. */
  readonly kind: RotationKind | null;
  /** The due entries, in the manifest's order, and those that must move with them because their identity changes. */
  readonly entries: readonly EntryMatch<C>[];
  readonly ignored: readonly IgnoredCandidate<C>[];
  /** Chosen UUIDs that are no candidate, or fit no entry: a person's choice is never passed over in silence. */
  readonly unusedChoices: readonly { readonly uuid: Uuid; readonly reason: string }[];
  /** Every entry has its one successor and every choice was used. */
  readonly complete: boolean;
}

interface Input<C extends SuccessorCandidate> {
  readonly from: Manifest;
  readonly due: readonly ManifestEntry[];
  readonly candidates: readonly C[];
  readonly terms: SuccessorTerms;
  /** `rotation start --successor UUID…` */
  readonly chosen?: readonly Uuid[];
}

/**
 * Finds the successor of every due entry. Where a successor brings a new certificate, every other entry of the old identity
 * becomes due with it (a rotation of kind `certificate`), for the identity is replaced as a whole.
 */
export function matchSuccessors<C extends SuccessorCandidate>(input: Input<C>): SuccessorMatches<C> {
  const candidates = distinct(input.candidates);
  const keys = new Set(input.due.map(entryKey));
  for (;;) {
    const due = input.from.profiles.filter((entry) => keys.has(entryKey(entry)));
    const entries = withIdentities(
      due.map((entry) => matchEntry(entry, candidates, input)),
      input,
    );
    const pulled = pulledIn(entries, input.from).filter((entry) => !keys.has(entryKey(entry)));
    if (pulled.length === 0) return summary(entries, due, candidates, input);
    for (const entry of pulled) keys.add(entryKey(entry));
  }
}

/** A file that two folders hold is one candidate, as long as it is meant for the same holder and variant. */
function distinct<C extends SuccessorCandidate>(candidates: readonly C[]): readonly C[] {
  const seen = new Map<string, C>();
  for (const one of candidates) {
    const key = `${one.profile.sha256} ${one.origin.holder ?? ''} ${one.origin.variant ?? ''}`;
    if (!seen.has(key)) seen.set(key, one);
  }
  return [...seen.values()];
}

function matchEntry<C extends SuccessorCandidate>(entry: ManifestEntry, candidates: readonly C[], input: Input<C>): EntryMatch<C> {
  const fitting = candidates.filter((one) => fits(entry, one, input.from, input.terms).fits);
  const chosen = fitting.filter((one) => (input.chosen ?? []).includes(one.profile.uuid));
  const left = chosen.length > 0 ? chosen : fitting;
  const [only, second] = left;
  if (only === undefined)
    return {
      outcome: 'missing',
      entry,
      reason: `no successor for ${entryKey(entry)} (now ${entry.profile.uuid}, until ${entry.profile.expiresAt})`,
    };
  if (second !== undefined) {
    const reason = `${left.length} successors fit ${entryKey(entry)}: ${left.map(candidateName).join(' and ')}; choose one with --successor, or remove the others`;
    return { outcome: 'ambiguous', entry, candidates: left, reason };
  }
  return { outcome: 'matched', entry, candidate: only, identity: entry.identity };
}

/** Settles the identity of every matched entry: all entries of one old identity get the same. */
function withIdentities<C extends SuccessorCandidate>(entries: readonly EntryMatch<C>[], input: Input<C>): readonly EntryMatch<C>[] {
  const settled = new Map<Sha1, Sha1 | string>();
  const matched = entries.filter((one) => one.outcome === 'matched');
  for (const old of new Set(matched.map((one) => one.entry.identity))) {
    settled.set(
      old,
      identityAfter(
        old,
        matched.filter((one) => one.entry.identity === old),
        input,
      ),
    );
  }
  return entries.map((one) => {
    if (one.outcome !== 'matched') return one;
    const identity = settled.get(one.entry.identity);
    if (identity !== undefined && isCertificateOf(identity, one.candidate.profile)) return { ...one, identity };
    return {
      outcome: 'ambiguous',
      entry: one.entry,
      candidates: [one.candidate],
      reason: `${entryKey(one.entry)}: ${identity ?? 'no identity'}`,
    };
  });
}

const isCertificateOf = (identity: string, profile: ProfileDescription): identity is Sha1 =>
  profile.certificates.some((one) => one.sha1 === identity);

/**
 * The identity that follows `old`: itself where every successor still embeds it and it lives long enough; else the newest
 * certificate that all of them embed, of the old one's common name where one has it (a development profile embeds those of
 * the whole team). Where that leaves a doubt, a sentence instead.
 */
function identityAfter<C extends SuccessorCandidate>(
  old: Sha1,
  matched: readonly { readonly entry: ManifestEntry; readonly candidate: C }[],
  input: Input<C>,
): Sha1 | string {
  const [first, ...others] = matched.map((one) => livingCertificates(one.entry, one.candidate.profile, input.terms));
  const shared = (first ?? []).filter((sha1) => others.every((list) => list.includes(sha1)));
  if (shared.includes(old)) return old;
  const known = (matched[0]?.candidate.profile.certificates ?? []).filter((one) => shared.includes(one.sha1));
  const oldName = input.from.certificates[old]?.commonName;
  const namesakes = known.filter((one) => one.commonName === oldName);
  const pool = namesakes.length > 0 ? namesakes : known;
  if (pool.length === 0) return `the successors of identity ${old} embed no certificate in common; they need one that all of them allow`;
  if (new Set(pool.map((one) => one.commonName)).size > 1)
    return `the successors embed ${pool.length} other certificates (${pool.map(described).join(', ')}) and none has the old one's common name; use profiles with one of them`;
  const newest = Math.max(...pool.map((one) => Date.parse(one.notBefore)));
  const [identity, rival] = pool.filter((one) => Date.parse(one.notBefore) === newest);
  if (identity === undefined || rival !== undefined)
    return `the successors embed equally new certificates (${pool.map(described).join(', ')}); use profiles with one of them`;
  return identity.sha1;
}

const described = (one: ProfileDescription['certificates'][number]): string => `${one.sha1.slice(0, 8)} "${one.commonName}"`;

/** Entries whose identity is about to be replaced by another entry's successor. */
function pulledIn(entries: readonly EntryMatch[], from: Manifest): readonly ManifestEntry[] {
  const replaced = new Set(
    entries.flatMap((one) => (one.outcome === 'matched' && one.identity !== one.entry.identity ? [one.entry.identity] : [])),
  );
  return from.profiles.filter((entry) => replaced.has(entry.identity));
}

function summary<C extends SuccessorCandidate>(
  entries: readonly EntryMatch<C>[],
  due: readonly ManifestEntry[],
  candidates: readonly C[],
  input: Input<C>,
): SuccessorMatches<C> {
  const used = new Set<C>(
    entries.flatMap((one) => (one.outcome === 'matched' ? [one.candidate] : one.outcome === 'ambiguous' ? one.candidates : [])),
  );
  const matched = entries.filter((one) => one.outcome === 'matched');
  const ignored = candidates
    .filter((one) => !used.has(one))
    .map((candidate) => ({ candidate, reasons: ignoredReasons(candidate, due, input) }));
  const unusedChoices = (input.chosen ?? [])
    .filter((uuid) => ![...used].some((one) => one.profile.uuid === uuid))
    .map((uuid) => ({
      uuid,
      reason: ignored.find((one) => one.candidate.profile.uuid === uuid)?.reasons.join('; ') ?? 'no candidate has this UUID',
    }));
  return {
    kind: matched.length === 0 ? null : matched.some((one) => one.identity !== one.entry.identity) ? 'certificate' : 'profile',
    entries,
    ignored,
    unusedChoices,
    complete: entries.length > 0 && matched.length === entries.length && unusedChoices.length === 0,
  };
}

function ignoredReasons<C extends SuccessorCandidate>(candidate: C, due: readonly ManifestEntry[], input: Input<C>): readonly string[] {
  if (due.length === 0) return ['nothing is due'];
  return due.map((entry) => {
    const fit = fits(entry, candidate, input.from, input.terms);
    const reasons = fit.fits ? 'another one was chosen' : fit.reasons.join('; ');
    return due.length === 1 ? reasons : `${entryKey(entry)}: ${reasons}`;
  });
}
