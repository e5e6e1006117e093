import type { RehearsalFinding } from '../domain/rehearsal/finding.js';
import { findingsOf, windowOfRehearsal, type Rehearsal } from '../domain/rehearsal/rehearsal.js';
import { cohortName } from '../domain/rotation/status.js';
import { cohortOf, wayBack, type NodeStep, type RehearsedRun } from '../domain/rehearsal/run.js';

/** What `rotation rehearse` found: its `--json`, and what its report is made of. Instants are ISO 8601 in UTC, durations milliseconds. */
export interface RehearsalView {
  readonly schemaVersion: 1;
  /** `fail`: something would have broken. */
  readonly verdict: 'pass' | 'fail';
  readonly line: string;
  /** The manifest in force whose end was rehearsed. */
  readonly manifest: string;
  /** The date that was rehearsed: when the rotation would begin. */
  readonly at: string;
  readonly horizon: string;
  readonly rehearsedAt: string;
  readonly took: number;
  /** By how much waits were divided. */
  readonly compress: number;
  readonly mesh: {
    readonly nodes: number;
    readonly maxUnavailable: number;
    readonly cohorts: readonly { readonly name: string; readonly nodes: readonly string[] }[];
  };
  readonly newCertificates: number;
  readonly standIns: readonly string[];
  readonly findings: readonly RehearsalFinding[];
  /** The real window, by the policy as it is, every part at its longest. */
  readonly window: {
    readonly phases: readonly {
      readonly phase: string;
      readonly beginsBy: string;
      readonly atMost: number;
      /** Time left until the old assets expire, then. */
      readonly beforeExpiry: number;
      /** In the rotation that completed; null where none came so far. */
      readonly took: number | null;
    }[];
    readonly endsBy: string;
    readonly turnsBackUntil: string;
    /** Negative: the rotation does not fit. */
    readonly spare: number;
  };
  readonly runs: readonly RunView[];
  readonly builds: { readonly builds: number; readonly checks: number; readonly failures: readonly string[] };
}

export interface RunView {
  readonly rotation: string;
  readonly fault: string | null;
  readonly expected: readonly string[];
  readonly outcome: string | null;
  readonly reasons: readonly string[];
  readonly from: string | null;
  readonly to: string | null;
  readonly began: string | null;
  readonly took: number;
  readonly restoredAfter: number | null;
  readonly phases: readonly { readonly phase: string; readonly after: number; readonly took: number }[];
  readonly approvals: readonly { readonly standsFor: string; readonly after: number }[];
  readonly questions: readonly string[];
  readonly troubles: readonly string[];
  readonly nodes: readonly NodePathView[];
  readonly wayBack: readonly {
    readonly order: number;
    readonly after: number;
    readonly cohort: string;
    readonly node: string;
    readonly step: string;
    readonly outcome: string;
  }[];
}

/** Everything that one node was told, in order. */
export interface NodePathView {
  readonly node: string;
  readonly cohort: string;
  /** What it served at the end: `old`, `new`, or another manifest or none. */
  readonly serves: 'old' | 'new' | 'other';
  readonly steps: readonly {
    readonly step: string;
    readonly after: number;
    readonly took: number;
    readonly outcome: string;
    readonly passes: number | null;
    readonly reason: string;
  }[];
}

const iso = (at: number): string => new Date(at).toISOString();

export function rehearsalView(rehearsal: Rehearsal): RehearsalView {
  const { forecast, runs, builds } = rehearsal;
  const findings = findingsOf(rehearsal);
  const window = windowOfRehearsal(rehearsal);
  const completed = runs.find(({ outcome }) => outcome === 'completed');
  return {
    schemaVersion: 1,
    verdict: findings.some(({ verdict }) => verdict === 'breaks') ? 'fail' : 'pass',
    line: forecast.line,
    manifest: rehearsal.inForce,
    at: iso(forecast.at),
    horizon: iso(forecast.horizon),
    rehearsedAt: iso(rehearsal.began),
    took: rehearsal.ended - rehearsal.began,
    compress: rehearsal.factor,
    mesh: {
      nodes: forecast.nodes.length,
      maxUnavailable: forecast.mesh.maxUnavailable,
      cohorts: forecast.cohorts.map((nodes, index) => ({ name: cohortName(index), nodes })),
    },
    newCertificates: rehearsal.newCertificates,
    standIns: rehearsal.standIns,
    findings,
    window: {
      phases: window.stretches.map(({ phase, beginsBy, atMost }) => ({
        phase,
        beginsBy: iso(beginsBy),
        atMost,
        beforeExpiry: window.horizon - beginsBy,
        took: completed === undefined ? null : tookOf(completed, phase),
      })),
      endsBy: iso(window.endsBy),
      turnsBackUntil: iso(window.turnsBackUntil),
      spare: window.spare,
    },
    runs: runs.map(runView),
    builds: { builds: builds.builds, checks: builds.checks, failures: builds.failures },
  };
}

const tookOf = ({ phases }: RehearsedRun, phase: string): number =>
  phases.reduce((sum, span) => (span.phase === phase ? sum + span.ended - span.began : sum), 0);

function runView(run: RehearsedRun): RunView {
  const began = run.phases[0]?.began ?? null;
  const ended = run.phases.at(-1)?.ended ?? began ?? 0;
  const after = (at: number): number => Math.max(0, at - (began ?? at));
  return {
    rotation: run.rotation,
    fault: run.fault,
    expected: run.expected,
    outcome: run.outcome,
    reasons: run.reasons,
    from: run.from,
    to: run.to,
    began: began === null ? null : iso(began),
    took: ended - (began ?? ended),
    restoredAfter: run.restoredAt === null ? null : after(run.restoredAt),
    phases: run.phases.map((span) => ({ phase: span.phase, after: after(span.began), took: span.ended - span.began })),
    approvals: run.approvals.map(({ person, at }) => ({ standsFor: person, after: after(at) })),
    questions: run.questions,
    troubles: run.troubles,
    nodes: run.cohorts.flatMap(({ nodes }) => nodes).map((node) => nodePath(run, node, after)),
    wayBack: wayBack(run).map(({ cohort, node, kind, began: at, outcome }, index) => ({
      order: index + 1,
      after: after(at),
      cohort,
      node,
      step: kind,
      outcome,
    })),
  };
}

function nodePath(run: RehearsedRun, node: NodeStep['node'], after: (at: number) => number): NodePathView {
  const active = run.serving.find((one) => one.node === node)?.active ?? null;
  return {
    node,
    cohort: cohortOf(run, node),
    serves: active === null ? 'other' : active === run.to ? 'new' : active === run.from ? 'old' : 'other',
    steps: run.steps
      .filter((step) => step.node === node)
      .map(({ kind, began, ended, outcome, passes, reason }) => ({
        step: kind,
        after: after(began),
        took: ended - began,
        outcome,
        passes,
        reason,
      })),
  };
}
