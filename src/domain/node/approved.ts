import type { LineName, NodeName, PersonId, Sha256 } from '../brands.js';
import type { CommandStatement, Signed } from '../rotation/statement.js';

/** By which statements a manifest was let through its gate: what the store keeps of it, for nodes that see for themselves. */
export interface KeptApprovals {
  readonly schemaVersion: 1;
  readonly line: LineName;
  readonly manifest: Sha256;
  readonly approvals: readonly Signed<CommandStatement>[];
}

/** Whose approval a machine counts, and how many it needs: pinned there, whatever the configuration says later. */
export interface PinnedApprovers {
  readonly schemaVersion: 1;
  readonly installation: string;
  /** Person to public keys, lines as in `id_ed25519.pub`. */
  readonly keys: Readonly<Record<PersonId, readonly string[]>>;
  /** Persons, not signatures. */
  readonly needed: number;
  /** SHA-256 of the roster that they are of, in canonical form; missing where an earlier version pinned them: no other roster follows it there. */
  readonly roster?: Sha256;
  /** Of that roster among those that people have adopted, once the machine has followed them there. */
  readonly number?: number;
  /** Nodes of this machine that may serve what nobody has approved, in a canary. */
  readonly canary: readonly NodeName[];
}

/** A manifest that a line may serve on a machine: it was in force when the approvers were pinned, or its approvals were seen since. */
export interface ApprovedManifest {
  readonly line: LineName;
  readonly manifest: Sha256;
}
