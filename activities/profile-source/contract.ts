import type { Instant } from '../../src/domain/brands.js';
import type { TeamCertificates } from '../../src/domain/gone-certificates.js';
import type { ManifestEntry } from '../../src/domain/manifest.js';
import type { SuccessorCandidate } from '../../src/domain/successor.js';

/** A verified profile that a source offers, with the bytes to import. */
export interface Candidate extends SuccessorCandidate {
  readonly bytes: Uint8Array;
}

/** Something that lay where profiles are expected and cannot be used. */
export interface IgnoredFile {
  readonly source: string;
  readonly path: string;
  readonly reasons: readonly string[];
}

export interface Listing {
  readonly candidates: readonly Candidate[];
  readonly ignored: readonly IgnoredFile[];
}

/** An entry that nothing offered can succeed. */
export interface Wanted {
  readonly entry: ManifestEntry;
  /** A successor must live longer than this. */
  readonly outlive: Instant;
}

/** A profile that has taken another one's place, to be known to a source that others read. */
export interface Succession {
  readonly bytes: Uint8Array;
  /** What it may find in its place: what it has succeeded first, then what that had, the newest first. */
  readonly predecessors: readonly ManifestEntry[];
}

/** For whom something is written, as the source's own history tells. */
export interface WrittenFor {
  readonly rotation: string;
  readonly ticket: string;
}

/** Where successors come from: a plug-in of one shape for drop folders, fastlane match stores and App Store Connect (S16). */
export interface ProfileSource {
  /** As in reseal.yaml. */
  readonly name: string;
  /**
   * All that the source offers now, in a stable order. A single bad file is ignored with its reasons; thrown is only what
   * hinders the whole source.
   *
   * @throws ResealError FILE_UNREADABLE, SOURCE_UNREACHABLE, SOURCE_REFUSED
   */
  list(): Promise<Listing>;
  /** Of a source that knows its team's certificates. @throws ResealError SOURCE_UNREACHABLE, SOURCE_REFUSED */
  readonly certificates?: () => Promise<TeamCertificates>;
  /**
   * Of a source that may make successors: makes what is wanted, so that the next `list` offers it. Repeated, also after a crash at any point, it makes
   * nothing twice. The answer is a sentence for each that it did not make.
   *
   * @throws ResealError SOURCE_UNREACHABLE, SOURCE_REFUSED
   */
  readonly supply?: (wanted: readonly Wanted[]) => Promise<readonly string[]>;
  /**
   * Of a source that others read too and that takes successors from elsewhere: puts them in their predecessors' places. All of them or none; what
   * is there already stays as it is.
   *
   * @returns paths that were written. @throws ResealError SOURCE_UNREACHABLE, SOURCE_REFUSED
   */
  readonly writeBack?: (successions: readonly Succession[], context: WrittenFor) => Promise<readonly string[]>;
}
