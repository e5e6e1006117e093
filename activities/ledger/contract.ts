import type { LineName, NodeName, RotationId, Sha256 } from '../../src/domain/brands.js';
import type { ExportStatus } from '../../src/domain/exports/export.js';
import type { NodeReport } from '../../src/domain/node/report.js';
import type { HistoryEvent } from '../../src/domain/rotation/history.js';
import type { SeatUse } from '../../src/domain/seats/seat.js';
import type { ClaimKey, Signing } from '../../src/domain/signing/claim.js';
import type { RotationStatus } from '../../src/domain/rotation/status.js';

/** One node of one rotation as last known; the ledger's key is (rotation, node). */
export interface RotationNodeRow {
  readonly rotation: RotationId;
  readonly node: NodeName;
  readonly cohort: string;
  /** The task and how it ended, e.g. `stage done`, `switch failed`. */
  readonly state: string;
  readonly active: Sha256 | null;
  readonly passes: number;
  readonly reason: string;
  readonly deferred: boolean;
  readonly at: number;
}

/** What is new of a rotation as a whole. */
export interface Progress {
  /** Null where there is nothing to show yet. */
  readonly status: RotationStatus | null;
  readonly events: readonly HistoryEvent[];
}

/** What a step found out about its nodes: at most 100 rows. */
export interface StepRecord {
  readonly line: LineName;
  readonly rows: readonly RotationNodeRow[];
  readonly reports: readonly NodeReport[];
}

/** The ledger's writes as activities: each writes all that is new in one place of a rotation. */
export interface LedgerActivities {
  recordProgress(progress: Progress): Promise<void>;
  recordStep(step: StepRecord): Promise<void>;
  recordSeatUses(uses: readonly SeatUse[]): Promise<void>;
  recordSignings(signings: readonly Signing[]): Promise<void>;
  /** What was signed under a key, oldest first. */
  signings(key: ClaimKey): Promise<readonly Signing[]>;
  recordExport(status: ExportStatus): Promise<void>;
}

/** The ledger is a projection for people and queries: writes are upserts, repeatable, and never decide anything. */
export interface LedgerWrites {
  recordRotation(status: RotationStatus): Promise<void>;
  /** Idempotent by (rotation, seq). */
  recordEvents(events: readonly HistoryEvent[]): Promise<void>;
  /** At most 100 rows. An older `at` never overwrites a newer one. */
  recordNodes(rows: readonly RotationNodeRow[]): Promise<void>;
  saveNodeReports(line: string, reports: readonly NodeReport[]): Promise<void>;
  /** Idempotent by the claim's token: what is recorded once stays as it is. */
  recordSeatUses(uses: readonly SeatUse[]): Promise<void>;
  /** Idempotent by the claim's token. Of signatures the ledger is no projection but the record: it is what a re-run is answered from. */
  recordSignings(signings: readonly Signing[]): Promise<void>;
  signings(key: ClaimKey): Promise<readonly Signing[]>;
  /** Replaces what was known of the export; its workflow writes one after the other. */
  recordExport(status: ExportStatus): Promise<void>;
}
