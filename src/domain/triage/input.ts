import type { Instant, Sha1 } from '../brands.js';
import type { Manifest } from '../manifest.js';
import type { ProjectGap, SigningTarget } from '../project-signing.js';
import type { Artifact } from './bundle.js';
import type { BuildRequest, NamedIdentity, NamedProfile } from './build-request.js';

/** Everything that was read, and what was not, before anything is judged. */
export interface TriageInput {
  readonly at: Instant;
  readonly artifact: Artifact | null;
  readonly request: BuildRequest | null;
  readonly manifest: Manifest | null;
  readonly identities: IdentityLook;
  readonly ciFiles: readonly CiFile[];
  readonly project: ProjectLook | null;
  readonly nodes: NodeComparison | null;
  readonly exported: ExportFolder | null;
  /** The file that `-exportOptionsPlist` names, or that the export folder holds. */
  readonly exportOptions: ExportOptions | null;
}

/** What `security find-identity -p codesigning` says here; `none` says why nobody was asked. */
export type IdentityLook =
  | { readonly state: 'none'; readonly reason: string }
  | { readonly state: 'read'; readonly matching: readonly ListedIdentity[]; readonly valid: readonly ListedIdentity[] };

export interface ListedIdentity {
  readonly sha1: Sha1;
  readonly label: string;
  /** As `CSSMERR_TP_CERT_EXPIRED`: listed, and unusable. */
  readonly annotation: string | null;
}

export interface CiFile {
  /** As it was named. */
  readonly name: string;
  readonly text: string;
}

/** The targets of an Xcode project in the configurations that are looked at, and what of its files could not be followed. */
export interface ProjectLook {
  readonly targets: readonly SigningTarget[];
  readonly gaps: readonly ProjectGap[];
}

/** Two nodes as `node diff` compares them. */
export interface NodeComparison {
  readonly failing: ComparedNode;
  readonly passing: ComparedNode;
  readonly differences: readonly { readonly line: string; readonly what: string; readonly one: string; readonly other: string }[];
}

export interface ComparedNode {
  readonly name: string;
  readonly lines: readonly {
    readonly line: string;
    readonly verdict: string;
    /** A sentence where the node could not be asked. */
    readonly reason: string;
    /** Null where the node has no keychains, or did not say. */
    readonly usableIdentities: number | null;
    readonly problems: readonly { readonly check: string; readonly reason: string }[];
  }[];
}

export interface ExportFolder {
  readonly named: string;
  /** Absolute, by which it is told whether a cleaner may empty it. */
  readonly path: string;
  readonly ipas: readonly string[];
}

/** An ExportOptions.plist. */
export type ExportOptions =
  | { readonly state: 'unreadable'; readonly named: string; readonly reason: string }
  | {
      readonly state: 'read';
      readonly named: string;
      readonly method: string | null;
      readonly style: string | null;
      readonly team: string | null;
      readonly certificate: NamedIdentity | null;
      /** By bundle id. */
      readonly profiles: ReadonlyMap<string, NamedProfile>;
    };
