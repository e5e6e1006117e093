import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { Duration, LineName, NodeName, RotationId, Sha256 } from '../src/domain/brands.js';
import type { HistoryEvent } from '../src/domain/rotation/history.js';
import type { Command, CommandName } from '../src/domain/rotation/commands.js';
import type { RotationStatus } from '../src/domain/rotation/status.js';
import type { NodeTask, RotationState } from '../src/domain/rotation/state.js';
import type { CommandStatement, Signed } from '../src/domain/rotation/statement.js';
import type { RotationNodeRow } from '../activities/ledger/contract.js';
import type { AdoptionRequest, LeftBehind, RotationRequest } from '../activities/rotation/contract.js';

/** What an Update is given: the command without its name, which goes by the person's name alone, or a signed statement, which is the command. */
export type CommandArguments = Omit<Command, 'command'> | Signed<CommandStatement>;
export const commandUpdate = (name: CommandName) => defineUpdate<RotationStatus, [CommandArguments]>(name);

/** For automation that can only signal. Under the same rules; one that has no effect is recorded as ignored, with its reason. */
export const decisionSignal = defineSignal<[Command | Signed<CommandStatement>]>('decision');
/** For whoever adopts a rotation whose workflow has ended without an outcome; Temporal answers it by replay for as long as it keeps the run. */
export const stateQuery = defineQuery<LeftBehind>('state');
export const statusQuery = defineQuery<RotationStatus>('status');

/** What travels through continue-as-new. */
export interface Carried {
  readonly state: RotationState;
  readonly seq: number;
  readonly unrecorded: readonly HistoryEvent[];
  readonly untold: readonly HistoryEvent[];
  /** Per-node facts that the ledger has not taken yet. */
  readonly rows: readonly RotationNodeRow[];
}
export type RotationInput = RotationRequest & {
  readonly policy: RotationState['policy'];
  readonly rights: RotationState['rights'];
  readonly authority: RotationState['authority'];
  readonly carried?: Carried;
};

export interface RotationEnd {
  readonly id: RotationId;
  readonly outcome: string;
  readonly reasons: readonly string[];
}

export interface IncidentInput {
  readonly rotation: RotationId;
  readonly request: RotationRequest;
  readonly policy: RotationState['policy'];
  readonly rights: RotationState['rights'];
  readonly carried?: Carried;
}

export interface AdoptionInput {
  readonly asked: AdoptionRequest;
  /** Of a run of its own before. */
  readonly carried?: { readonly request: RotationRequest; readonly rotation: Carried };
}

/** One step on at most `limits.stepNodes` nodes. */
export interface CohortStepInput {
  readonly task: NodeTask | 'inspect';
  readonly line: LineName;
  readonly rotation: RotationId;
  readonly epoch: number;
  readonly offset: Duration;
  readonly from: Sha256;
  readonly to: Sha256;
  readonly topology: Sha256;
  readonly policyDigest: Sha256;
  readonly cohorts: Sha256;
  /** Positions in the cohort plan. */
  readonly first: number;
  readonly count: number;
  /** Names to take up before the positions. */
  readonly again: readonly NodeName[];
  readonly except: readonly NodeName[];
  /** Nodes in flight at once; a node that is not done lowers it by one; null: no limit. */
  readonly inFlight: number | null;
  readonly stopAtFirst: boolean;
  /** A node that fails with the new assets stays with them: what was before is revoked. Missing: it goes back by itself. */
  readonly forwardOnly?: true;
  readonly cohort: string;
  /** Whether a build's pin keeps a node from letting a manifest go; missing in steps of before pins were read. */
  readonly pins?: 'heed' | 'ignore';
  readonly limits: Pick<RotationState['policy']['limits'], 'nodeOperationTimeout' | 'nodeOfflineAfter'>;
  /** Forward, a step waits for the ledger; a rollback does not. */
  readonly waitForLedger: boolean;
}

/** Ask a step to begin no further node and to report what it has. */
export const stopSignal = defineSignal('stop');
