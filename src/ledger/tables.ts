import type { ColumnType, JSONColumnType } from 'kysely';
import type { ExportStatus } from '../domain/exports/export.js';
import type { NodeReport } from '../domain/node/report.js';
import type { HistoryKind } from '../domain/rotation/history.js';
import type { RotationStatus } from '../domain/rotation/status.js';
import type { SeatEnd } from '../domain/seats/seat.js';
import type { ClaimRequest } from '../domain/signing/claim.js';

/** `timestamptz`; in the program instants are milliseconds. */
type Time = ColumnType<Date, Date, Date>;
type MaybeTime = ColumnType<Date | null, Date | null, Date | null>;

/** The tables of config.md. A projection: nothing is decided by what stands here. */
export interface Tables {
  rotation: {
    id: string;
    line: string;
    kind: string | null;
    epoch: number;
    from_sha: string | null;
    to_sha: string | null;
    phase: string;
    outcome: string | null;
    /** Id of the open question. */
    question: string | null;
    horizon: MaybeTime;
    ticket: string;
    started_at: Time;
    restored_at: MaybeTime;
    ended_at: MaybeTime;
    /** When the phase began; with the epoch it orders two statuses of one rotation. */
    since: Time;
    /** The last status view, whole. */
    status: JSONColumnType<RotationStatus>;
    updated_at: Time;
  };
  rotation_node: {
    rotation: string;
    node: string;
    cohort: string;
    state: string;
    active_sha: string | null;
    passes: number;
    reason: string;
    deferred: boolean;
    updated_at: Time;
  };
  event: {
    rotation: string;
    /** With the rotation the unique key, so that a write may be repeated. */
    seq: number;
    at: Time;
    kind: HistoryKind;
    actor: string;
    text: string;
    data: JSONColumnType<Record<string, unknown>>;
  };
  node: {
    name: string;
    line: string;
    report: JSONColumnType<NodeReport>;
    seen_at: Time;
  };
  /** Claims on signers' seats that have ended, for usage and billing. */
  seat_use: {
    token: string;
    node: string;
    holder: string;
    pipeline: string;
    ticket: string;
    job: string;
    asked_at: Time;
    granted_at: MaybeTime;
    ended_at: Time;
    how: SeatEnd;
  };
  /** Handoffs that were registered: builds in flight after they have left their node. */
  handoff: {
    /** SHA-256 of the envelope's canonical form. */
    digest: string;
    line: string;
    manifest: string;
    pipeline: string;
    job: string;
    bundles: JSONColumnType<readonly string[]>;
    artifact: string;
    issued_at: Time;
    expires_at: Time;
    registered_at: Time;
  };
  /** What was signed under claims; kept, so that a re-run finds the first signature long after its workflow is gone. */
  signing: {
    token: string;
    artifact: string;
    bundle_id: string;
    method: string;
    holder: string;
    pipeline: string;
    ticket: string;
    job: string;
    manifest: string;
    purpose: ClaimRequest['purpose'];
    signed: string;
    location: string | null;
    granted_at: Time;
    completed_at: Time;
  };
  /** Requests for identities to be exported, and what became of them. */
  key_export: {
    id: string;
    line: string;
    identity: string;
    node: string;
    receiver: string;
    phase: string;
    requested_at: Time;
    /** The last status view, whole. */
    status: JSONColumnType<ExportStatus>;
    updated_at: Time;
  };
  /** Copies of audit chains (a sink of kind ledger): pieces of their files, which follow each other without gaps. */
  audit_piece: {
    chain: string;
    /** Number of the first record of the file. */
    segment: number;
    /** Where in the file it begins. */
    at_byte: number;
    bytes: ColumnType<Uint8Array, Uint8Array, never>;
    written_at: ColumnType<Date, never, never>;
  };
}
