import type { Duration } from './brands.js';
import type { ExportTerms } from './exports/terms.js';
import type { ReturningTerms } from './returning.js';
import type { ClaimTerms } from './signing/claim.js';
import type { SeatTerms } from './seats/terms.js';

/** A share of a number of nodes (`5%` is `{percent: 5}`) or a count. */
export type Share = { readonly percent: number } | { readonly count: number };

export interface Calendar {
  readonly zone: string;
  readonly days: readonly string[];
  /** Local time of day, `HH:MM`. */
  readonly from: string;
  readonly to: string;
  /** Local dates, `YYYY-MM-DD`. */
  readonly holidays: readonly string[];
}

/** `policy.yaml` with defaults filled in and every duration in milliseconds. */
export interface Policy {
  readonly schemaVersion: 1;
  readonly scan: {
    readonly every: Duration;
    readonly at: string;
    readonly zone: string;
    readonly lookAhead: Duration;
    readonly ticket: string;
  };
  readonly window: { readonly appStore: Duration; readonly development: Duration; readonly adHoc: Duration; readonly enterprise: Duration };
  readonly successor: {
    readonly minLifeBeyondWindow: Duration;
    /** How often the sources are looked at while a successor is missing. */
    readonly lookEvery: Duration;
    /** How often people are asked for it. */
    readonly askEvery: Duration;
    readonly pageWhenLeft: readonly Duration[];
  };
  readonly specifiers: 'uuid-only' | 'warn';
  readonly wipeable: readonly string[];
  readonly cohorts: {
    readonly canary: { readonly perImage: number; readonly share: Share };
    readonly waves: readonly Share[];
    readonly maxUnavailable: Share;
    readonly stallTimeout: Duration;
  };
  readonly probe: {
    readonly passes: number;
    readonly interval: Duration;
    readonly checkTimeout: Duration;
    readonly inconclusiveFor: Duration;
  };
  readonly soak: { readonly duration: Duration; readonly interval: Duration; readonly floor: Duration };
  readonly gate: {
    readonly approvals: number;
    readonly timeout: Duration;
    /** Name of a calendar; `null`: the gate's clock never stops. */
    readonly calendar: string | null;
    readonly remindEvery: Duration;
    readonly widenAfter: Duration;
    readonly approvalValid: Duration;
  };
  readonly retirement: { readonly secondGate: boolean; readonly maxBuildDuration: Duration; readonly overduePinPageEvery: Duration };
  readonly rollback: {
    /** How long the store may take to return the line's head before the nodes go first. */
    readonly headTime: Duration;
    readonly nodeTime: Duration;
    readonly safetyMargin: Duration;
    readonly minLifeAfterRollback: Duration;
  };
  readonly escalation: { readonly pageEvery: Duration };
  readonly emergency: { readonly approvals: number; readonly canary: number; readonly wave: Share };
  readonly clock: { readonly maxSkew: Duration };
  readonly limits: {
    readonly stepNodes: number;
    readonly activitiesPerSecond: number;
    readonly nodeOperationTimeout: Duration;
    readonly nodeOfflineAfter: Duration;
  };
  readonly seats: SeatTerms & {
    /** How long a rotation waits for the seat of a signer that it is to switch. */
    readonly rotationWait: Duration;
    /** How long a switch back waits before it goes on without the seat. */
    readonly rollbackWait: Duration;
  };
  readonly claims: ClaimTerms;
  readonly returning: ReturningTerms;
  readonly exports: ExportTerms;
  readonly tickets: { readonly pattern: string };
  readonly calendars: Readonly<Record<string, Calendar>>;
  readonly audience: { readonly owner: readonly string[]; readonly widened: readonly string[]; readonly page: readonly string[] };
}
