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
  readonly keychains?: KeychainPolicy;
  /** With `identity: sidecar`: how nodes reach the service that holds the keys. */
  readonly sidecar?: SidecarReach;
}

export interface SidecarReach {
  /** A Unix socket, as a path on the node itself. */
  readonly socket: string;
}

/** Where a node finds the password of its keychains; on the node itself, and nowhere else. */
export type PasswordSource =
  | { readonly file: string }
  /** Of the process that serves the node; over SSH there is none. */
  | { readonly environment: string }
  /** A program of the node and its arguments, without a shell; its first line counts. Over SSH: `security` alone. */
  | { readonly command: readonly string[] };

/** The keychains that hold a line's identities (S5). */
export interface KeychainPolicy {
  /** When signing may happen; none: always. */
  readonly unlockWindows: readonly UnlockWindow[];
  /** `retry`: again, as other failures are; without it one failure is final. */
  readonly onUnlockFailure: readonly ('retry' | 'page' | 'another-signer')[];
  /** Without one reseal neither makes nor unlocks a keychain. */
  readonly password?: PasswordSource;
  /** Of the keychains that reseal makes: locked after so long without use. None: never. */
  readonly lockAfter?: Duration;
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
  /** `forbidden`: never in the canary, which serves what nobody has approved yet. Missing: it may be. */
  readonly canary?: 'allowed' | 'forbidden';
  /** The declared IMAGE_ID of the golden image. */
  readonly image: string;
  /** Where a golden image says its IMAGE_ID on the node itself; `DEFAULT_IMAGE_FILE` where not declared. */
  readonly imageFile?: string;
  readonly profileFolders: readonly ProfileFolder[];
  /** Paths on the node itself. A `local` node's root and `~` are both its home folder. */
  readonly mount: string;
  readonly state: string;
  readonly hardware: string;
  /** Public half of the node's age key, for identities that are delivered to it. */
  readonly deliveryKey?: string;
  /** Public keys that its agent signs what it says with, `ssh-ed25519 AAAA…`; two while one replaces the other. */
  readonly nodeKeys?: readonly string[];
  /** Jobs that may sign here at once; only a signer has seats. Missing: one. */
  readonly seats?: number;
  readonly reach: Reach;
}

export interface PipelineDeclaration {
  readonly name: string;
  readonly bundles: readonly string[];
  /** Public keys that its handoffs are signed with. */
  readonly keys: readonly string[];
}

export interface Topology {
  readonly schemaVersion: 1;
  readonly installation: string;
  readonly lines: Readonly<Record<LineName, LineDeclaration>>;
  readonly nodes: readonly NodeDeclaration[];
  readonly pipelines: readonly PipelineDeclaration[];
}
