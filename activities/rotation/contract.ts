import type { Duration, Instant, LineName, NodeName, PersonId, RotationId, Sha256, Uuid } from '../../src/domain/brands.js';
import type { Routes } from '../../src/domain/node/routes.js';
import type { Policy } from '../../src/domain/policy.js';
import type { StandInFound } from '../../src/domain/rotation/stand-ins.js';
import type { Emergency, Plan, RotationState, Trigger } from '../../src/domain/rotation/state.js';
import type { WriteBackRequest, WrittenBack } from '../../src/domain/write-back.js';
import type { AdoptStatement, BeginningStatement, CommandStatement, Signed } from '../../src/domain/rotation/statement.js';
import type { HistoryEvent } from '../../src/domain/rotation/history.js';
import type { RotationNodeRow } from '../ledger/contract.js';

/** What a rotation is asked to do, beside its line. */
export interface RotationRequest {
  readonly line: LineName;
  readonly trigger: Trigger;
  /** Added to the clock in expiry comparisons only; refused unless every node is staging or simulated. */
  readonly offset: Duration;
  /** Chosen successors, where more than one fits. */
  readonly successors?: readonly Uuid[];
  /** What the person who asks has signed: to start, or to undo a completed rotation. Missing: by name alone. */
  readonly signed?: Signed<BeginningStatement | CommandStatement>;
  /** A certificate was revoked, and all that signs with it is replaced, forward only; missing: what is due by the calendar. */
  readonly emergency?: Pick<Emergency, 'revoked'>;
}

/** Who wants a rotation to go on whose workflow has ended without an outcome. */
export interface AdoptionRequest {
  readonly rotation: RotationId;
  readonly line: LineName;
  readonly by: PersonId;
  readonly ticket: string;
  /** Missing: by name alone. */
  readonly signed?: Signed<AdoptStatement>;
}

/** What a rotation's run says of itself when it is asked: all that another run needs to go on from there. */
export interface LeftBehind {
  readonly request: RotationRequest;
  readonly state: RotationState;
  /** Of the last event of its record. */
  readonly seq: number;
  readonly unrecorded: readonly HistoryEvent[];
  readonly untold: readonly HistoryEvent[];
  readonly rows: readonly RotationNodeRow[];
}

export interface Successors {
  /** What is due and has no successor, a sentence each. */
  readonly missing: readonly string[];
  /** Earliest expiry of what is due; on the line's clock. */
  readonly expiresFirst: Instant;
  /** Files of the sources that are not used, a sentence each. */
  readonly ignored: readonly string[];
  /** Names the offered set: a rotation that did not succeed is not begun again with the same. */
  readonly fingerprint: string;
}

/** What node truth is read by where there is no plan. */
export type MeshToInspect = Pick<Plan, 'from' | 'topology' | 'policyDigest' | 'cohorts' | 'nodes'>;

export type Prepared =
  | { readonly plan: Plan; readonly reasons: readonly [] }
  | {
      readonly plan: null;
      readonly reasons: readonly string[];
      /** For the reasons that nodes may add; absent where they have none to add. */
      readonly inspect?: MeshToInspect;
    };

/** The rotation's dealings with configuration, store and profile sources. Errors are ApplicationFailures typed by `ErrorCode`. */
export interface RotationActivities {
  /** Judges who asks, allots the rotation's number (same `key`, same number) and reads policy and roster. */
  openRotation(request: RotationRequest & { readonly key: string; readonly askedAt: Instant }): Promise<{
    readonly k: number;
    readonly id: RotationId;
    readonly policy: Policy;
    readonly rights: RotationState['rights'];
    readonly authority: RotationState['authority'];
    /** The signed statement that asked for it; null: nobody signed. */
    readonly heard: RotationState['heard'][number] | null;
  }>;
  /** Judges who asks, and has the run that was cut off say how far it came. @param request `workflowId`: of the line's rotations */
  adoptRotation(
    request: AdoptionRequest & { readonly workflowId: string; readonly key: string; readonly askedAt: Instant },
  ): Promise<LeftBehind>;
  findSuccessors(request: RotationRequest): Promise<Successors>;
  /** Verifies, composes and freezes: every reason for a refusal at once. */
  prepareRotation(request: RotationRequest & { readonly id: RotationId }): Promise<Prepared>;
  /** The names at these positions of a cohort plan, and who serves them and the nodes in `again`. */
  cohortNodes(range: {
    readonly cohorts: Sha256;
    readonly first: number;
    readonly count: number;
    readonly again: readonly NodeName[];
  }): Promise<{ readonly nodes: readonly NodeName[]; readonly routes: Routes }>;
  /** Looks for another signer, and freezes the cohort plan in which the two have changed places. */
  findStandIn(request: {
    readonly line: LineName;
    readonly id: RotationId;
    readonly ticket: string;
    /** Its keychain stays locked. */
    readonly node: NodeName;
    /** Nodes of which another one has the place already. */
    readonly tried: readonly NodeName[];
    readonly cohorts: Sha256;
    readonly topology: Sha256;
    readonly to: Sha256;
  }): Promise<StandInFound>;
  /** Puts into the store by which signed statements `to` was let through its gate: nodes with approvers pinned see for themselves. */
  keepApprovals(kept: {
    readonly line: LineName;
    readonly to: Sha256;
    readonly id: RotationId;
    readonly ticket: string;
    readonly approvals: readonly Signed<CommandStatement>[];
  }): Promise<void>;
  /** Compare-and-swap of the line's head to `to`. */
  advanceHead(move: {
    readonly line: LineName;
    readonly expectedSeq: number;
    readonly to: Sha256;
    readonly id: RotationId;
    readonly ticket: string;
  }): Promise<
    | { readonly moved: true; readonly seq: number }
    | { readonly moved: false; readonly reason: string; readonly found: { readonly seq: number; readonly digest: Sha256 } | null }
  >;
  /** The head to a manifest equal to `from`; where it has moved since, to the present head with this rotation's entries reverted. Always a new sequence number, so that a late `advanceHead` loses. */
  returnHead(move: {
    readonly line: LineName;
    readonly from: Sha256;
    readonly to: Sha256;
    readonly id: RotationId;
    readonly ticket: string;
  }): Promise<{ readonly seq: number; readonly digest: Sha256 }>;
  /**
   * The closing record, kept in the store when Temporal's retention has ended; then the successors, into sources that take them. Null: nothing is to be
   * written back.
   */
  closeRotation(state: RotationState): Promise<{ readonly writtenBack: WrittenBack | null }>;
  /** The successors of a completed rotation once more: into sources that have not taken them. */
  writeBackSuccessors(request: WriteBackRequest): Promise<WrittenBack>;
  /** Re-checks that a completed rotation can be rolled back (profile bytes, certificates) and composes the way back. */
  prepareIncident(request: {
    readonly rotation: RotationId;
    readonly request: RotationRequest;
    readonly key: string;
    readonly askedAt: Instant;
  }): Promise<
    { readonly state: RotationState; readonly reasons: readonly string[] } | { readonly state: null; readonly reasons: readonly string[] }
  >;
}

/** What the store keeps of a rotation that has ended. */
export interface ClosingRecord {
  readonly schemaVersion: 1;
  readonly state: RotationState;
}

/** What the scan finds on one line. */
export interface DueLine {
  readonly line: LineName;
  /** Groups of profiles; where the line's store is not there, that this cannot be told. */
  readonly due: readonly string[];
  /** Start a rotation, or only ask: the last one ended without success and nothing new has come since, or the line's store is not there. */
  readonly start: boolean;
  readonly reason: string;
  /** What is in force there and revoked, said to be, or not listed by its team any more, with what to do; missing where there is none. In sentences without their full stop. */
  readonly revoked?: readonly string[];
  /** That the line's last rotation is orphaned, and what to do: a sentence without a full stop. Then the scan starts none. Missing: it is not. */
  readonly orphaned?: string;
  readonly authority: RotationState['authority'];
}

export interface ScanActivities {
  surveyLines(offset: Duration): Promise<{
    readonly lines: readonly DueLine[];
    readonly ticket: string;
    readonly policy: Policy;
    readonly rights: RotationState['rights'];
  }>;
}
