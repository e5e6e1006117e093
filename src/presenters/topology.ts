import type { Topology } from '../domain/topology.js';
import { factsOf, revocationRadius, topologyName } from '../domain/topology-review/facts.js';
import type { TopologyFinding } from '../domain/topology-review/finding.js';

/** What `topology check` prints; `at` is file and line. */
export interface TopologyCheckView {
  readonly schemaVersion: 1;
  readonly folder: string;
  /** `fail`: there is an error. Warnings and notes pass. */
  readonly verdict: 'pass' | 'fail';
  readonly errors: number;
  readonly warnings: number;
  readonly notes: number;
  readonly lines: readonly LineView[];
  readonly findings: readonly FindingView[];
}

export interface LineView {
  readonly line: string;
  /** As the field calls it. */
  readonly topology: string;
  readonly identity: string;
  readonly distribution: string;
  readonly nodes: number;
  readonly mayHoldKeys: readonly string[];
  /** What falls with one revoked certificate. */
  readonly revocation: { readonly nodes: number; readonly pipelines: number; readonly bundles: number; readonly atMost: boolean };
}

export interface FindingView {
  readonly verdict: TopologyFinding['verdict'];
  readonly check: TopologyFinding['check'];
  readonly at: string;
  readonly lines: readonly string[];
  readonly nodes: readonly string[];
  readonly found: string;
  readonly expected: string;
  readonly next: string;
}

export function topologyCheckView(
  folder: string,
  topology: Topology,
  findings: readonly TopologyFinding[],
  placeOf: (path: TopologyFinding['path']) => string,
): TopologyCheckView {
  const count = (verdict: TopologyFinding['verdict']): number => findings.filter((finding) => finding.verdict === verdict).length;
  return {
    schemaVersion: 1,
    folder,
    verdict: count('error') === 0 ? 'pass' : 'fail',
    errors: count('error'),
    warnings: count('warning'),
    notes: count('note'),
    lines: factsOf(topology).map((facts) => ({
      line: facts.name,
      topology: topologyName(facts.line),
      identity: facts.line.identity,
      distribution: facts.line.distribution,
      nodes: facts.nodes.length,
      mayHoldKeys: facts.holders.map((node) => node.name),
      revocation: revocationRadius(facts, topology),
    })),
    findings: findings.map(({ verdict, check, path, lines, nodes, found, expected, next }) => ({
      verdict,
      check,
      at: placeOf(path),
      lines,
      nodes,
      found,
      expected,
      next,
    })),
  };
}
