import type { Duration } from './brands.js';

// The planning bands and rows, the trade-offs and the anti-patterns of S15, as data; `advice.ts` chooses among them.

export const TEAMS = ['small', 'mid', 'platform', 'multi-vendor'] as const;
export const COMPLIANCES = ['standard', 'medium', 'high'] as const;
export const CADENCES = ['irregular', 'weekly', 'daily', 'continuous'] as const;
export type Team = (typeof TEAMS)[number];
export type Compliance = (typeof COMPLIANCES)[number];
export type Cadence = (typeof CADENCES)[number];

/** Where a band begins; it ends where the next one begins. One's own telemetry may bring others. */
export interface PlanningBands {
  /** People who change the apps. Below `mid` a team is small; how many vendors there are is not a matter of size. */
  readonly teamSize: { readonly mid: number; readonly platform: number };
  /** Releases a week, of all apps together. Below `weekly` the cadence is irregular. */
  readonly releasesPerWeek: { readonly weekly: number; readonly daily: number; readonly continuous: number };
  /** Above this, at the 95th percentile, waiting for a signer is a finding. */
  readonly signingQueueWait: Duration;
}

/** Ours, for planning: a team that one table seats, one that knows each other, one that does not; once a week, each working day, five times that. */
export const PLANNING_BANDS: PlanningBands = {
  teamSize: { mid: 11, platform: 51 },
  releasesPerWeek: { weekly: 1, daily: 5, continuous: 26 },
  signingQueueWait: 5 * 60_000,
};

export type RowName = 'dedicated-signer' | 'controlled-distribution' | 'hsm-sidecar' | 'isolated-pools';

export interface PlanningRow {
  readonly name: RowName;
  readonly title: string;
  readonly team: Team;
  readonly compliance: Compliance;
  /** What it is planned for; `Weekly+` is weekly and everything more often. */
  readonly cadences: readonly Cadence[];
  readonly means: readonly string[];
  /** How it stands to the columns of the trade-offs. */
  readonly beside: string;
}

export const PLANNING_ROWS: readonly PlanningRow[] = [
  {
    name: 'dedicated-signer',
    title: 'dedicated signer',
    team: 'small',
    compliance: 'standard',
    cadences: ['weekly', 'daily', 'continuous'],
    means: [
      'Dedicated signers: Macs that sign and run no build.',
      'An explicit manifest: every profile by UUID and digest, frozen, reviewed, the same for all.',
      'No shared .p12: the key is made on the signer and never leaves it.',
    ],
    beside: 'It is the first column.',
  },
  {
    name: 'controlled-distribution',
    title: 'controlled distribution',
    team: 'mid',
    compliance: 'standard',
    cadences: ['daily', 'continuous'],
    means: [
      'Controlled distribution: one publisher writes, so that all nodes change by the same step.',
      'Read-only mounts: no job and no cleaner changes a profile on a node.',
      'Automated rotation: at this cadence nobody remembers an expiry.',
    ],
    beside: 'It is the last column.',
  },
  {
    name: 'hsm-sidecar',
    title: 'HSM-class sidecar',
    team: 'platform',
    compliance: 'high',
    cadences: ['continuous'],
    means: [
      'An HSM-class sidecar: no key on any disk; nodes know an alias and ask.',
      'A full audit index: who signed what, with which manifest, on which image, to be found by any of them.',
    ],
    beside: "It keeps the dedicated signer's small circle of key holders and its audit, and queues at the sidecar.",
  },
  {
    name: 'isolated-pools',
    title: 'isolated pools',
    team: 'multi-vendor',
    compliance: 'medium',
    cadences: ['irregular'],
    means: [
      'Isolated pools: Macs, line, store and drop folder for each vendor; nobody approves across pools.',
      "A prefix of profiles for each project, so that a name says whose it is and none fits another's target.",
    ],
    beside: 'Inside each pool it is the first column; a revocation ends at the border of the pool.',
  },
];

export interface TradeOff {
  readonly of: string;
  readonly dedicatedSigner: string;
  /** One .p12 for all runners, or an identity for each of them. */
  readonly sprawl: string;
  readonly controlledDistribution: string;
}

/** The five trade-offs. Where the requirement leaves a cell open, docs/decisions.md says what was decided. */
export const TRADE_OFFS: readonly TradeOff[] = [
  { of: 'revocation radius', dedicatedSigner: 'smallest', sprawl: 'largest', controlledDistribution: 'medium' },
  { of: 'queueing risk', dedicatedSigner: 'medium', sprawl: 'high', controlledDistribution: 'medium-high' },
  { of: 'audit', dedicatedSigner: 'easiest', sprawl: 'hardest', controlledDistribution: 'medium' },
  { of: 'golden image', dedicatedSigner: 'own batch', sprawl: 'drifts', controlledDistribution: 'profile revision beside image metadata' },
  {
    of: 'anti-pattern',
    dedicatedSigner: 'signer as compile host',
    sprawl: '.p12 in artifact stores',
    controlledDistribution: '"always latest"',
  },
];

export interface AntiPattern {
  readonly name: string;
  readonly why: string;
  /** The check that finds it; null where topology.yaml cannot show it. */
  readonly check: 'signer-compiles' | 'laptop-signer' | 'sprawl' | 'image-moves' | null;
}

export const ANTI_PATTERNS: readonly AntiPattern[] = [
  { name: 'a signer used as compile host', why: 'every build that runs there can use the signing identity', check: 'signer-compiles' },
  { name: 'a laptop as signer', why: 'it sleeps, leaves the building, and takes the identity with it', check: 'laptop-signer' },
  { name: 'one .p12 on every runner', why: 'one revocation stops all of them, and nobody can say which one leaked it', check: 'sprawl' },
  {
    name: '.p12 files in artifact stores',
    why: 'whoever reads artifacts can sign; the copies cannot be counted or called back',
    check: null,
  },
  {
    name: '"always latest" profiles',
    why: 'two jobs of one release may sign with different profiles, and no one can repeat either',
    check: null,
  },
  { name: 'an image named "latest"', why: 'a probe cannot tell whether a node has the image that it should', check: 'image-moves' },
];
