import { namesOf, plural } from '../domain/topology-review/finding.js';
import type { Pen } from './rotation-text.js';
import type { LineView, TopologyCheckView } from './topology.js';

const COLOUR = { error: 'red', warning: 'yellow', note: 'dim' } as const;

function radiusText({ revocation: { nodes, pipelines, bundles, atMost } }: LineView): string {
  return `${plural(nodes, 'node')}, ${atMost ? 'at most ' : ''}${plural(pipelines, 'pipeline')}, ${plural(bundles, 'bundle')}`;
}

export function topologyCheckText(view: TopologyCheckView, pen: Pen): string[] {
  const findings = view.findings.flatMap((finding) => [
    '',
    `${pen.styled(finding.verdict.padEnd(8), COLOUR[finding.verdict])} ${pen.styled(finding.check, 'bold')}  ${finding.at}`,
    `  found     ${finding.found}`,
    `  expected  ${finding.expected}`,
    `  next      ${finding.next}`,
  ]);
  return [
    ...pen.table(
      ['LINE', 'TOPOLOGY', 'IDENTITY', 'DISTRIBUTION', 'NODES', 'MAY HOLD KEYS', 'ONE REVOCATION REACHES'],
      view.lines.map((line) => [
        line.line,
        line.topology,
        line.identity,
        line.distribution,
        String(line.nodes),
        line.mayHoldKeys.length === 0 ? 'none' : namesOf(line.mayHoldKeys),
        radiusText(line),
      ]),
    ),
    ...findings,
    '',
    `${view.folder}: ${plural(view.errors, 'error')}, ${plural(view.warnings, 'warning')}, ${plural(view.notes, 'note')}.`,
  ];
}
