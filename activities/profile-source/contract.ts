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

/** Where successors come from: a plug-in of one shape for drop folders, fastlane match stores and App Store Connect (S16). */
export interface ProfileSource {
  /** As in reseal.yaml. */
  readonly name: string;
  /**
   * All that the source offers now, in a stable order. A single bad file is ignored with its reasons; thrown is only what
   * hinders the whole source.
   *
   * @throws ResealError FILE_UNREADABLE, STORE_UNREACHABLE
   */
  list(): Promise<Listing>;
}
