import type { Instant, NodeName, Sha256 } from '../brands.js';
import type { NodeOutcome } from '../node/report.js';
import type { Outcome, Phase } from '../rotation/phases.js';
import { someOf } from '../some-of.js';
import type { RehearsalFinding } from './finding.js';

/** What was done to a node, as the node's own operations were called. */
export type StepKind = 'stage' | 'switch' | 'switch-back' | 'probe' | 'retire' | 'restore' | 'unstage';

export interface NodeStep {
  readonly node: NodeName;
  readonly kind: StepKind;
  readonly began: Instant;
  readonly ended: Instant;
  /** `error`: it was thrown, and tried again where it is worth it. */
  readonly outcome: NodeOutcome | 'error';
  /** Consecutive passes of the probe, where it counted them. */
  readonly passes: number | null;
  /** Digest of the manifest that was active at the end; null where it is not known. */
  readonly active: Sha256 | null;
  /** A sentence; empty where all is well. */
  readonly reason: string;
}

export interface PhaseSpan {
  readonly phase: Phase;
  readonly began: Instant;
  readonly ended: Instant;
}

/** One rotation of a rehearsal, from its record and from what its nodes were told. */
export interface RehearsedRun {
  readonly rotation: string;
  /** What was broken on purpose, in words; null: nothing. */
  readonly fault: string | null;
  /** Any of these is as it should be. */
  readonly expected: readonly Outcome[];
  /** Null: it came to no end while the rehearsal waited. */
  readonly outcome: Phase | null;
  readonly reasons: readonly string[];
  readonly from: Sha256 | null;
  readonly to: Sha256 | null;
  readonly maxUnavailable: number;
  /** Canary and waves, in order of switching. */
  readonly cohorts: readonly { readonly name: string; readonly nodes: readonly NodeName[] }[];
  readonly phases: readonly PhaseSpan[];
  readonly approvals: readonly { readonly person: string; readonly at: Instant }[];
  readonly questions: readonly string[];
  readonly troubles: readonly string[];
  readonly steps: readonly NodeStep[];
  /** When every node served the old assets again. */
  readonly restoredAt: Instant | null;
  /** What each node served when it was over. */
  readonly serving: readonly { readonly node: NodeName; readonly active: Sha256 | null }[];
}

/** What builders saw through all of it. */
export interface RehearsedBuilds {
  readonly builds: number;
  readonly checks: number;
  readonly failures: readonly string[];
}

/** A step of the way back, numbered by the order in which nodes came to it. */
export interface ReturnStep {
  readonly cohort: string;
  readonly node: NodeName;
  readonly kind: Extract<StepKind, 'restore' | 'switch-back' | 'unstage'>;
  readonly began: Instant;
  readonly outcome: NodeStep['outcome'];
}

const isReturn = (kind: StepKind): kind is ReturnStep['kind'] => kind === 'restore' || kind === 'switch-back' || kind === 'unstage';

/** The way back as it happened. */
export function wayBack(run: RehearsedRun): readonly ReturnStep[] {
  return run.steps
    .flatMap(({ node, kind, began, outcome }): readonly ReturnStep[] =>
      isReturn(kind) ? [{ cohort: cohortOf(run, node), node, kind, began, outcome }] : [],
    )
    .toSorted((a, b) => a.began - b.began);
}

export const cohortOf = ({ cohorts }: Pick<RehearsedRun, 'cohorts'>, node: NodeName): string =>
  cohorts.find(({ nodes }) => nodes.includes(node))?.name ?? '';

/** Everything in which a run was not as it should have been. */
export const runFindings = (run: RehearsedRun): readonly RehearsalFinding[] => [
  ...outcomeFinding(run),
  ...surprises(run),
  ...orderFindings(run),
  ...leftBehind(run),
];

function outcomeFinding({ rotation, outcome, expected, reasons, fault }: RehearsedRun): readonly RehearsalFinding[] {
  if (outcome !== null && (expected as readonly Phase[]).includes(outcome)) return [];
  const why = reasons.length === 0 ? '' : `: ${reasons.slice(0, 5).join('; ')}`;
  return [
    {
      verdict: 'breaks',
      check: 'outcome',
      found: outcome === null ? `${rotation} came to no end while the rehearsal waited${why}` : `${rotation} ended as ${outcome}${why}`,
      expected: `${expected.join(' or ')}${fault === null ? '' : `, for ${fault}`}`,
      next: 'Mend what the reasons name, and rehearse again',
    },
  ];
}

/** Without a fault there is nothing that should ask or trouble anybody. */
function surprises({ fault, questions, troubles }: RehearsedRun): readonly RehearsalFinding[] {
  if (fault !== null) return [];
  return [
    ...questions.map((found) => ({
      verdict: 'heed' as const,
      check: 'question' as const,
      found,
      expected: 'a rotation that asks people for nothing but their approval',
      next: 'Look at what it asked about; in production somebody has to answer in time',
    })),
    ...troubles.map((found) => ({
      verdict: 'heed' as const,
      check: 'trouble' as const,
      found,
      expected: 'no node in trouble where nothing was broken on purpose',
      next: 'Mend what the sentence names on that node or in its declaration, and rehearse again',
    })),
  ];
}

/** Cohorts come back in the reverse of the order in which they were switched: the first of a later one before the first of an earlier one. */
function orderFindings(run: RehearsedRun): readonly RehearsalFinding[] {
  const names = run.cohorts.map(({ name }) => name);
  const back = [...new Set(wayBack(run).flatMap(({ kind, cohort }) => (kind === 'switch-back' ? [names.indexOf(cohort)] : [])))];
  if (back.every((position, index) => index === 0 || position < (back[index - 1] ?? Infinity))) return [];
  return [
    {
      verdict: 'breaks',
      check: 'order-of-rollback',
      found: `cohorts came back in the order ${back.map((position) => names[position] ?? '?').join(', ')}`,
      expected: 'the reverse of the order in which they were switched',
      next: 'Report it, with this report: the order is a promise of reseal itself',
    },
  ];
}

/** Nodes that did not serve at the end what the outcome says. */
function leftBehind({ rotation, outcome, from, to, serving }: RehearsedRun): readonly RehearsalFinding[] {
  if (outcome !== 'completed' && outcome !== 'rolled-back' && outcome !== 'parked') return [];
  const due = outcome === 'completed' ? to : from;
  const others = serving.filter(({ active }) => active !== due).map(({ node }) => node);
  if (due === null || others.length === 0) return [];
  return [
    {
      verdict: 'breaks',
      check: 'left-behind',
      found: `${someOf(others)} served something else than ${due.slice(0, 12)} when ${rotation} was over`,
      expected: `every node on ${outcome === 'completed' ? 'the new' : 'the old'} manifest`,
      next: 'Look at the path of these nodes in this report',
    },
  ];
}

export function buildFindings({ failures }: RehearsedBuilds): readonly RehearsalFinding[] {
  return failures.slice(0, 5).map((found) => ({
    verdict: 'breaks',
    check: 'builds',
    found,
    expected: 'every build to find what its manifest names, through the whole window',
    next: 'Look at what the node was told at that time, in this report',
  }));
}
