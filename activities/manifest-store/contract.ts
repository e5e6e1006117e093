import type { ResealError } from '../../src/domain/errors.js';
import type { LineName, NodeName, PersonId, RotationId, Sha1, Sha256 } from '../../src/domain/brands.js';
import type { KeptRevocation } from '../../src/domain/revocations.js';
import type { KeptImport } from '../../src/domain/imports/kept.js';

export interface Head {
  readonly line: LineName;
  /** Only grows, on rollback too. */
  readonly seq: number;
  readonly digest: Sha256;
}

/** Names the rotation and ticket in the store's own history (git: the commit message's trailers; a bucket: metadata of each version). */
export interface StoreContext {
  readonly rotation?: RotationId | string;
  readonly ticket?: string;
  readonly by?: PersonId | string;
}

/** Something to write; several of them make one commit where the store has such. */
export type StoreItem =
  | { readonly kind: 'manifest'; readonly bytes: Uint8Array }
  | { readonly kind: 'profile'; readonly bytes: Uint8Array; readonly importedBy: string }
  | { readonly kind: 'frozen'; readonly document: unknown }
  | ({ readonly kind: 'sealed-identity'; readonly bytes: Uint8Array; readonly importedBy: string } & SealedFor)
  /** Who has taken these in. */
  | { readonly kind: 'import'; readonly of: readonly Imported[]; readonly document: KeptImport }
  /** What somebody has recorded of a revoked certificate. */
  | { readonly kind: 'revocation'; readonly document: KeptRevocation };

/** What imports are kept of: a profile or a manifest by its SHA-256, an identity by the SHA-1 of its certificate. */
export type Imported = Sha256 | Sha1;

/** For whom an identity is sealed. */
export interface SealedFor {
  /** SHA-1 of the certificate. */
  readonly identity: Sha1;
  readonly node: NodeName;
  /** The node's delivery key, public half; another key has another file. */
  readonly recipient: string;
}

export interface SealedIdentity {
  readonly bytes: Uint8Array;
  readonly sha256: Sha256;
  readonly importedBy: string;
}

/**
 * The store of manifests, profiles and records: one per `stores` entry of reseal.yaml. Content is addressed by SHA-256 and
 * checked against it on every read (`DIGEST_MISMATCH`); only `advance` and `allot` change what a name means, both by compare-and-swap.
 *
 * Layout (of a bucket also what is said in bucket/store.ts): `lines/<line>/head.json`, `lines/<line>/rotations.json`, `manifests/<sha256>.json`, `profiles/<sha256>.mobileprovision` (beside it
 * `profiles/<sha256>.json` with the first importer and time), `frozen/<sha256>.json`, `imports/<what>/<sha256>.json` (of each import of it; the name is that of a frozen document), `rotations/<id>.json`, `approvals/<manifest>.json`, `rosters/<installation>.json`, `revocations/<sha256>.json`,
 * `identities/<sha1>/<node>.<recipient>.age` (beside it `.json` with importer, time and digest).
 */
export interface ManifestStore {
  /** Whether there is anything in its place: false for a store that nobody has begun yet, and for one whose disk is away. */
  isThere(): Promise<boolean>;
  head(line: LineName): Promise<Head | null>;
  /** Compare-and-swap. `{moved: false}` with the present head when `expectedSeq` is not the head's (0: no head yet). Repeating a move that succeeded answers as the first time. */
  advance(
    line: LineName,
    expectedSeq: number,
    next: Sha256,
    context: StoreContext,
  ): Promise<{ readonly moved: boolean; readonly head: Head | null }>;
  /**
   * The next rotation number of a line, by compare-and-swap; the same `key` always gets the same number.
   * @param nonce of the signed statement that asks @throws ResealError ALREADY_DECIDED where that has asked for another number
   */
  allot(line: LineName, key: string, context: StoreContext, nonce?: string): Promise<number>;
  /** The number that a key has got; null where it has asked for none. */
  allottedTo(line: LineName, key: string): Promise<number | null>;
  /** Frozen bytes; the answer is their digest. Writing what is there already changes nothing. */
  putManifest(bytes: Uint8Array, context: StoreContext): Promise<Sha256>;
  manifest(digest: Sha256): Promise<Uint8Array>;
  putProfile(bytes: Uint8Array, importedBy: string, context: StoreContext): Promise<Sha256>;
  profile(digest: Sha256): Promise<Uint8Array>;
  /** Who imported a profile first, as recorded; null where the store has none. */
  importer(digest: Sha256): Promise<string | null>;
  /** Every import of it that is kept, in no order that means anything. Nothing vouches for what they say but the signatures in them. */
  imports(of: Imported): Promise<readonly unknown[]>;
  /** Topology, policy, cohort plans: any JSON document, frozen. */
  putFrozen(document: unknown, context: StoreContext): Promise<Sha256>;
  frozen(digest: Sha256): Promise<unknown>;
  /** An identity that only the node can open; null where nobody has sealed it for that key. */
  sealedIdentity(sealed: SealedFor): Promise<SealedIdentity | null>;
  /**
   * The answers are the digests, in the order given. What is there already stays as it is. git takes all of them or none; a bucket takes them one by one,
   * a manifest after the profiles that it names, and what a failure left there is found there when it is tried again.
   */
  putMany(items: readonly StoreItem[], context: StoreContext): Promise<readonly Sha256[]>;
  /** By which signed statements a manifest was let through its gate, as a JSON document; a later rotation to the same manifest replaces it. */
  putApprovals(manifest: Sha256, document: unknown, context: StoreContext): Promise<void>;
  /** Null where nobody's are kept. Nothing vouches for what it says but the signatures in it. */
  approvals(manifest: Sha256): Promise<unknown>;
  /** The rosters that were adopted by people of an installation, as a JSON document; null where none was. Nothing vouches for it but the signatures in it. */
  rosters(installation: string): Promise<unknown>;
  /** Replaces them by compare-and-swap. @param change what is to be there, by what is; null: that stays. It may be called more than once. */
  changeRosters(installation: string, change: (kept: unknown) => object | null, context: StoreContext): Promise<void>;
  /** Everything that was recorded of revoked certificates, in no order that means anything. Nothing vouches for it but the signatures in it; nothing of it is ever replaced. */
  revocations(): Promise<readonly unknown[]>;
  /** A rotation's closing record; a second write of the same id replaces it. */
  putRecord(id: string, record: unknown, context: StoreContext): Promise<void>;
  /** Null where there is none. */
  record(id: string): Promise<unknown>;
  /** Ids of all closing records of a line, oldest first. */
  records(line: LineName): Promise<readonly string[]>;
}

/** A store of reseal.yaml as whoever begins, watches and closes it sees it. */
export interface OpenStore extends ManifestStore {
  /** Where people look for it: a path, or an address. */
  readonly path: string;
  /** Makes an empty store where there is none; answers whether it did. For whoever begins a store on purpose. @throws ResealError STORE_UNREACHABLE */
  create(): Promise<boolean>;
  /** Why the store cannot be read now; null where it can. Answers within a bounded time, whatever the other side does. */
  trouble(): Promise<ResealError | null>;
  /** How far it has come, for people; null while it is empty. */
  standing(): Promise<string | null>;
  /** Lets go of what reading holds; a later use begins anew. */
  close(): Promise<void>;
}
