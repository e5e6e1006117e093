import type { Uncounted } from '../adopted-rosters.js';
import type { AuditHead } from '../audit/record.js';
import type { Duration, Instant, LineName, NodeName, PersonId, RotationId, Sha256 } from '../brands.js';
import type { LockedKeychain } from '../node/locked-keychain.js';
import type { NodeOutcome } from '../node/report.js';
import type { Policy } from '../policy.js';
import type { RosterCommand } from '../roster.js';
import type { Phase } from './phases.js';
import type { AdoptStatement, CommandStatement, GateKind, Mode, Signed } from './statement.js';

/** `profile`: the same certificate; `certificate`: a new one too. */
export type RotationKind = 'profile' | 'certificate';

/** Who asked for a rotation: a person, or `schedule` under the standing change. */
export interface Trigger {
  readonly kind: 'schedule' | 'person';
  readonly by: PersonId;
  readonly ticket: string;
}

/** What makes a rotation an emergency: an asset that was revoked is replaced, forward only. */
export interface Emergency {
  /** Serial of the certificate: upper-case hexadecimal digits without leading zeros. */
  readonly revoked: string;
  /** Task and node of the second turns that nodes in trouble had by themselves; missing: none yet. */
  readonly retried?: readonly string[];
}

/** That somebody had a rotation go on whose workflow had ended without an outcome. */
export interface Adoption {
  readonly by: PersonId;
  readonly ticket: string;
  readonly at: Instant;
  /** The phase in which it was found. */
  readonly phase: Phase;
  /** Null: by name alone. */
  readonly signed: Signed<AdoptStatement> | null;
}

/** What preflight froze; but for who is eligible, and for a canary node that another signer has stood in for, it never changes afterwards. */
export interface Plan {
  readonly kind: RotationKind;
  readonly fromSeq: number;
  readonly from: Sha256;
  readonly to: Sha256;
  readonly topology: Sha256;
  readonly policyDigest: Sha256;
  /** Digest of the cohort plan: the node names in order of switching, and the sizes of the waves. */
  readonly cohorts: Sha256;
  /** Sizes of canary and waves; the nodes themselves are in the store. */
  readonly waves: readonly number[];
  readonly nodes: number;
  /** How many nodes may be unavailable at once. */
  readonly maxUnavailable: number;
  /** Until when the old assets can sign: their earliest expiry, on the line's clock (offset applied). */
  readonly horizon: Instant;
  /** Approvers that may count: entitled when the last gate opened (before that: at preflight), and neither requester nor importer nor freezer of `to`. */
  readonly eligible: readonly PersonId[];
  /** Who imported the successors: none of them becomes eligible. */
  readonly importers: readonly string[];
  /** What is approved, in words, one line per replaced entry. */
  readonly summary: readonly string[];
  /** The canary's signers, or where it has none, its nodes; at most 20. One of them at least has to serve `to`. Missing in plans of before nodes could be left out. */
  readonly canaryProof?: readonly NodeName[];
  /** Declared pipelines that build what the line's manifests name; missing in plans of before pins were read. */
  readonly pipelines?: readonly string[];
}

/** The furthest step begun; the rollback plan is a pure function of it. `begun` counts as done when it comes to undoing. */
export type Reached = 'no' | 'begun' | 'done';
/** `put-off`: on the way back the store did not take the head in time, so the nodes go first; it is still to be returned. */
export type HeadReached = Reached | 'put-off';
export interface Done {
  readonly staged: Reached;
  /** Canary and waves. */
  readonly switched: readonly Reached[];
  readonly head: HeadReached;
  readonly retired: Reached;
}

/** Work on nodes that is under way: positions in the cohort plan already handled, and names to (re)do. */
export interface NodeWork {
  readonly operation: NodeTask;
  /** The cohort it is for; null: every node. */
  readonly wave: number | null;
  /** Positions of the range that were handled, whatever came of them. */
  readonly handled: number;
  /** Nodes of the handled part still to be (re)tried. */
  readonly again: readonly NodeName[];
}
export type NodeTask = 'stage' | 'switch' | 'probe' | 'repair' | 'retire' | 'restore' | 'return' | 'unstage';

/** A node that is not where it should be. */
export interface Trouble {
  readonly node: NodeName;
  readonly task: NodeTask;
  readonly outcome: Exclude<NodeOutcome, 'done' | 'pinned'>;
  readonly reason: string;
  /** With the outcome `locked`. */
  readonly locked?: LockedKeychain;
}

/** A signer of the canary whose keychain stayed locked, and the one that has its place since; the first has the other's place in a later wave. */
export interface StandIn {
  readonly node: NodeName;
  readonly by: NodeName;
  readonly at: Instant;
  /** A sentence: why, and what the canary shows less of all the same. */
  readonly reason: string;
}

/** How it is known who says something: by name alone (`--as`), which counts only where every node is simulated, or by a signature. */
export type Assurance =
  | { readonly assurance: 'asserted' }
  | {
      readonly assurance: 'signed';
      /** Fingerprint of the key, as `SHA256:…`. */
      readonly key: string;
      readonly signed: Signed<CommandStatement>;
    };

export type Approval = Assurance & {
  readonly person: PersonId;
  readonly digest: Sha256;
  readonly ticket: string;
  readonly at: Instant;
};

/** Whose word counts, and how it is to be given; of the configuration at the start, keys and rights again when a gate opens. */
export interface Authority {
  readonly installation: string;
  readonly mode: Mode;
  /** `name`: every node is simulated. A person with keys signs there too, for else a name would stand for them. */
  readonly assurance: 'name' | 'signature';
  /** Public keys, as in `id_ed25519.pub`; persons without one are missing. */
  readonly keys: Readonly<Record<PersonId, readonly string[]>>;
}

/** What the canary, or before the second gate the whole mesh, has shown; approvals bind its digest. */
export interface CanaryReport {
  readonly rotation: RotationId;
  readonly epoch: number;
  /** Nodes that serve the new manifest, and how many probes in a row each has passed. */
  readonly nodes: number;
  readonly passes: number;
  /** When the last of them was switched; ISO 8601, UTC. */
  readonly lastSwitchAt: string | null;
  readonly standIns: readonly Pick<StandIn, 'node' | 'by' | 'reason'>[];
  readonly troubles: readonly Pick<Trouble, 'node' | 'outcome' | 'reason'>[];
  /** Nodes that people have left out before; missing where there were none. */
  readonly excluded?: readonly { readonly node: NodeName; readonly reason: string }[];
}

export interface Gate {
  readonly kind: GateKind;
  /** Of this opening alone: what was signed for another one does not count. */
  readonly nonce: string;
  /** Digest of the roster as it was then, in canonical form. */
  readonly roster: Sha256;
  /** Digest of `canary`, in canonical form. */
  readonly canaryReport: Sha256;
  readonly canary: CanaryReport;
  readonly openedAt: Instant;
  /** When silence sends the canary home; moved to the calendar's next opening. That of an emergency, which has changed nothing yet, is its opening: it asks at once. */
  readonly deadline: Instant;
  readonly remindAt: Instant;
  readonly widenAt: Instant;
  /** Silence has returned the canary to `from`, or is about to. */
  readonly silence: 'no' | 'returning' | 'returned';
  readonly passedAt: Instant | null;
  /** Who may approve, or leave nodes out, by the roster, and does not count by the way that came about; missing in gates of before rosters were adopted. */
  readonly uncounted?: readonly Uncounted[];
}

/** A gate that does not open, for want of a roster that people have adopted. */
export interface AwaitedRoster {
  /** In words that end a sentence. */
  readonly reason: string;
  readonly since: Instant;
  readonly lookAgainAt: Instant;
  /** When people are told again. */
  readonly tellAt: Instant;
}

/** A person's word for leaving nodes out of a rotation. */
export type ExclusionWord = Assurance & {
  readonly person: PersonId;
  readonly ticket: string;
  readonly nodes: readonly NodeName[];
  readonly reason: string | null;
  readonly at: Instant;
  /** The direction in which it was said: it counts in no other one. */
  readonly d: number;
};

/** A node in trouble that people have left out: nothing is begun on it any more, and nobody waits for it. What it is owed it gets once it is back. */
export interface Exclusion {
  readonly node: NodeName;
  readonly at: Instant;
  /** What stood in the way. */
  readonly trouble: string;
  /** After a switch was begun on it, a rollback brings it back with the others; left out of a rollback, it may serve the new assets. */
  readonly left: 'before-switch' | 'after-switch' | 'on-the-way-back';
  /** Whose words: one person's, or two where more nodes are left out than may be unavailable. */
  readonly said: readonly (Pick<ExclusionWord, 'person' | 'ticket' | 'reason' | 'at'> & {
    /** Fingerprint of the key that signed; null: nobody signed. */
    readonly key: string | null;
  })[];
}

export const QUESTIONS = [
  'stalled',
  'inconclusive',
  'node-offline',
  'keychain-locked',
  'approve-now',
  'head-moved',
  'pin-overdue',
  'node-not-back',
  'retire-failed',
  'past-horizon',
] as const;
export type QuestionId = (typeof QUESTIONS)[number];
export type QuestionOption = 'retry' | 'wait' | 'exclude' | 'rollback' | 'approve' | 'reject' | 'resume' | 'close' | 'retire';
export interface Question {
  readonly id: QuestionId;
  readonly nodes: readonly NodeName[];
  readonly options: readonly QuestionOption[];
  readonly askedAt: Instant;
  /** Null: never answers itself; it stays and pages. */
  readonly deadline: Instant | null;
  readonly unanswered: 'rollback' | 'parked' | 'retire' | 'stays';
  readonly nextPageAt: Instant;
}

export interface Pause {
  readonly by: PersonId;
  readonly since: Instant;
  /** The latest safe time to resume; the pause ends there by itself. */
  readonly until: Instant;
  /** A withdrawn approval cannot be waited out: then the pause ends in a rollback. */
  readonly because: 'command' | 'withdrawn';
}

/** Builds that hold a manifest which is to go. */
export interface HeldBuilds {
  readonly builds: number;
  /** Some of the nodes, for people. */
  readonly nodes: readonly NodeName[];
  readonly jobs: readonly string[];
  /** When the first of the leases expires. */
  readonly soonest: Instant;
}

/** What a rotation knows of the builds on what it is about to take away. */
export interface RotationPins {
  readonly held: HeldBuilds | null;
  /** Whether every node and every declared pipeline of the line pins what it builds with. */
  readonly known: 'all' | 'some';
  /** When nodes whose builds hold it are asked again. */
  readonly lookAgainAt: Instant;
  /** People have said to wait until then. */
  readonly patience: Instant | null;
  /** `ignore`: it was decided that the builds are not waited for. */
  readonly orders: 'heed' | 'ignore';
}

/** All that a rotation knows between two steps. Plain data: it travels through continue-as-new. */
export interface RotationState {
  readonly id: RotationId;
  readonly line: LineName;
  readonly trigger: Trigger;
  /** The completed rotation that this one, an incident rollback, undoes; null: it is none. Missing in records of before there was this field. */
  readonly undoes?: RotationId | null;
  /** Missing: everything was planned, and there is a way back. */
  readonly emergency?: Emergency;
  /** Missing where there was none. */
  readonly adoptions?: readonly Adoption[];
  /** The rotation's number on its line; `d` counts changes of direction. Epoch: `1000 k + d`. */
  readonly k: number;
  readonly d: number;
  /** Added to the clock in expiry comparisons only. */
  readonly offset: Duration;
  readonly phase: Phase;
  readonly since: Instant;
  readonly startedAt: Instant;
  readonly policy: Policy;
  /** Roster as frozen at the start, and again when the gate opens. */
  readonly rights: Readonly<Record<PersonId, readonly RosterCommand[]>>;
  readonly authority: Authority;
  /** Signed statements that have counted, until they expire: none counts twice. */
  readonly heard: readonly { readonly nonce: string; readonly expiresAt: Instant }[];
  readonly missing: readonly string[];
  /** Files that a source offers and that are not used, with the reasons. */
  readonly ignored: readonly string[];
  /** Names the set of successors that was on offer. */
  readonly fingerprint: string;
  /** When the sources are looked at again. */
  readonly lookAgainAt: Instant | null;
  /** When people were last asked for what is missing. */
  readonly askedAt: Instant | null;
  /** When the first of the due assets dies. */
  readonly expiresFirst: Instant | null;
  readonly plan: Plan | null;
  readonly done: Done;
  /** The head's sequence number as this rotation last knew it; what its next compare-and-swap expects. */
  readonly headSeq: number;
  readonly work: NodeWork | null;
  readonly troubles: readonly Trouble[];
  /** Missing where there was none. */
  readonly standIns?: readonly StandIn[];
  /** Missing where there was none. */
  readonly excluded?: readonly Exclusion[];
  /** Words for leaving nodes out that wait for a second person's; missing where there was none. */
  readonly exclusionsAsked?: readonly ExclusionWord[];
  readonly gate: Gate | null;
  /** Null or missing: nothing keeps a gate from opening. */
  readonly awaitedRoster?: AwaitedRoster | null;
  readonly approvals: readonly Approval[];
  readonly paused: Pause | null;
  readonly question: Question | null;
  /** Since when no node may be switched for want of allowance. */
  readonly stalledSince: Instant | null;
  readonly soak: { readonly endsAt: Instant; readonly nextProbeAt: Instant; readonly rounds: number } | null;
  readonly lastSwitchAt: Instant | null;
  readonly lastReturnAt: Instant | null;
  /** Builds that hold what is to go next; null or missing: nothing is known of any. */
  readonly pins?: RotationPins | null;
  /** Whether a node ever served `to`: then builds may hold it. */
  readonly served: boolean;
  /** In a rollback: the nodes that a retry is confined to; null: all. */
  readonly only: readonly NodeName[] | null;
  /** End as `parked`, with `to` left staged, whatever life `from` has. */
  readonly park: boolean;
  /** Why the rotation turned back, was refused, or ended as it did; every reason. */
  readonly reasons: readonly string[];
  /** The phase from which it turned back or escalated. */
  readonly turnedAt: Phase | null;
  /** When every node served the old assets again. */
  readonly restoredAt: Instant | null;
  readonly endedAt: Instant | null;
  /** Heads of the audit chains in which lies what was done so far, the newest of each; missing while none is known. */
  readonly audit?: readonly AuditHead[];
}

export const epochOf = (state: Pick<RotationState, 'k' | 'd'>): number => 1000 * state.k + state.d;
