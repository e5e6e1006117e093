import type { Duration, LineName, NodeName, PersonId } from './brands.js';

export type Environment = 'production' | 'staging' | 'simulated';
export type NodeRole = 'signer' | 'compile' | 'publisher';
export type ProfileFolder = 'xcode16' | 'legacy';
export type Reach =
  | { readonly kind: 'agent' }
  | { readonly kind: 'ssh'; readonly host: string; readonly port: number; readonly user: string }
  | { readonly kind: 'local'; readonly home: string };

export interface UnlockWindow {
  readonly days: readonly string[];
  readonly from: string;
  readonly to: string;
  readonly zone: string;
}

export interface LineDeclaration {
  readonly identity: 'signers' | 'per-node' | 'shared' | 'sidecar';
  readonly distribution: 'copy' | 'mount';
  readonly publisher?: NodeName;
  readonly cacheTime?: Duration;
  readonly profilesOn: readonly NodeRole[];
  /** Name of a store in reseal.yaml. */
  readonly store: string;
  /** Names of sources in reseal.yaml, tried in order. */
  readonly sources: readonly string[];
  readonly successorOwner: PersonId;
  readonly keychains?: { readonly unlockWindows: readonly UnlockWindow[]; readonly onUnlockFailure: readonly string[] };
}

export const DEFAULT_IMAGE_FILE = '/etc/reseal-image-id';

/** A node with every default filled in. */
export interface NodeDeclaration {
  readonly name: NodeName;
  readonly region: string;
  readonly environment: Environment;
  readonly lines: readonly LineName[];
  readonly pool: string;
  readonly roles: readonly NodeRole[];
  readonly keys: 'allowed' | 'forbidden';
  /** The declared IMAGE_ID of the golden image. */
  readonly image: string;
  /** Where a golden image says its IMAGE_ID on the node itself; `DEFAULT_IMAGE_FILE` where not declared. */
  readonly imageFile?: string;
  readonly profileFolders: readonly ProfileFolder[];
  /** Paths on the node itself. A `local` node's root and `~` are both its home folder. */
  readonly mount: string;
  readonly state: string;
  readonly hardware: string;
  readonly reach: Reach;
}

export interface PipelineDeclaration {
  readonly name: string;
  readonly bundles: readonly string[];
}

export interface Topology {
  readonly schemaVersion: 1;
  readonly installation: string;
  readonly lines: Readonly<Record<LineName, LineDeclaration>>;
  readonly nodes: readonly NodeDeclaration[];
  readonly pipelines: readonly PipelineDeclaration[];
}
