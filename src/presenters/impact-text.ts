import { csvCell } from './csv.js';
import type { ImpactView } from './impact.js';
import type { Pen } from './rotation-text.js';

/** Nodes that a terminal shows; `--json` and `--csv` have all. */
const MOST_NODES = 40;

const many = (count: number, one: string, more = `${one}s`): string => `${count.toLocaleString('en')} ${count === 1 ? one : more}`;

export function impactText({ of, summary, targets, nodes, pipelines, next }: ImpactView, pen: Pen, now: number): string[] {
  const what = `${of.kind} ${pen.styled(of.id, 'bold')}${of.name === null ? '' : ` (${of.name}, serial …${of.serialLast6 ?? ''})`}`;
  const ends = of.expiresAt === null ? '' : `, expires ${pen.time(Date.parse(of.expiresAt), now)}`;
  const counts = [
    many(summary.nodes, 'node'),
    ...(of.kind === 'certificate' ? [`${many(summary.nodesWithKey, 'node')} with its key`] : []),
    many(summary.pipelines, 'pipeline'),
    many(summary.bundles, 'bundle'),
    `${many(summary.builds, 'build')} in flight`,
  ];
  return [
    `${what}${ends}`,
    ...(of.revokedBecause === null ? [] : [`  ${pen.styled(of.revokedBecause, of.revocation === 'revoked' ? 'red' : 'yellow')}`]),
    `  ${counts.join(', ')}`,
    ...section('TARGETS', targets.length, () =>
      pen.table(
        ['BUNDLE', 'ROLE', 'METHOD', 'TARGETS', 'LINE', 'PROFILE', 'HOW'],
        targets.map((one) => [
          one.bundleId,
          one.role,
          one.method,
          one.targets.join(','),
          one.line,
          one.uuid.slice(0, 8),
          `${one.how}${one.inForce ? '' : ', not in force any more'}`,
        ]),
      ),
    ),
    ...section('PIPELINES', pipelines.length, () =>
      pen.table(
        ['PIPELINE', 'BUNDLES', 'KNOWN FROM', 'BUILDS'],
        pipelines.map((one) => [one.name, one.bundles.join(', '), one.known.join(', '), String(one.builds)]),
      ),
    ),
    ...section('NODES', nodes.length, () => [
      ...pen.table(
        ['NODE', 'LINE', 'REGION', 'ROLES', 'WHY', 'KEY', 'BUILDS', 'SEEN'],
        nodes
          .slice(0, MOST_NODES)
          .map((one) => [
            one.node,
            one.line,
            one.region,
            one.roles.join(','),
            one.why,
            one.holdsKey ? 'may hold it' : '-',
            String(one.builds),
            one.seenAt === null ? 'never' : pen.time(Date.parse(one.seenAt), now),
          ]),
      ),
      ...(nodes.length > MOST_NODES ? [`… and ${many(nodes.length - MOST_NODES, 'node')} more; --csv and --json have all`] : []),
    ]),
    ...section('NEXT', next.length, () => next.map((step) => `  ${step}`)),
  ];

  function section(title: string, count: number, lines: () => readonly string[]): readonly string[] {
    return count === 0 ? [] : ['', pen.styled(title, 'dim'), ...lines()];
  }
}

/** One row per node, target and pipeline, for a spreadsheet. */
export const impactCsv = ({ targets, nodes, pipelines }: ImpactView): string[] => [
  'kind,name,line,why,detail,builds,seen_at',
  ...nodes.map((one) => row('node', one.node, one.line, one.why, `${one.region}; ${one.roles.join(' ')}${one.holdsKey ? '; may hold the key' : ''}`, String(one.builds), one.seenAt ?? '')), // prettier-ignore
  ...targets.map((one) => row('target', one.bundleId, one.line, one.how, `${one.role}; ${one.method}; ${one.uuid}; ${one.targets.join(' ')}`, '', '')), // prettier-ignore
  ...pipelines.map((one) => row('pipeline', one.name, '', one.known.join(' '), one.bundles.join(' '), String(one.builds), '')),
];

const row = (...cells: readonly string[]): string => cells.map(csvCell).join(',');
