import type { NodeRole, Topology } from '../domain/topology.js';
import { factsOf, revocationRadius, topologyName, type LineFacts } from '../domain/topology-review/facts.js';
import { plural } from '../domain/topology-review/finding.js';

/** Regions are free text: nothing in one may end its code span, its cell or its row. */
const code = (text: string): string =>
  `\`${text
    .replace(/\p{Cc}+/gu, ' ')
    .replaceAll('`', "'")
    .replaceAll('|', '\\|')
    .trim()}\``;
const codes = (names: readonly string[]): string => (names.length === 0 ? 'none' : names.map(code).join(', '));
const widthOf = (text: string): number => Array.from(text).length;

/** A table as prettier leaves it: a formatter that runs over the file makes no drift. */
function table(heading: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = heading.map((title, column) => Math.max(3, widthOf(title), ...rows.map((row) => widthOf(row[column] ?? ''))));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((text, column) => text + ' '.repeat((widths[column] ?? 0) - widthOf(text))).join(' | ')} |`;
  return [line(heading), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...rows.map(line)];
}

const ROLES: readonly NodeRole[] = ['signer', 'compile', 'publisher'];

function lineRow({ name, line }: LineFacts): string[] {
  const publisher = line.publisher === undefined ? '' : ` by ${code(line.publisher)}`;
  return [
    code(name),
    topologyName(line),
    line.identity,
    line.distribution + (line.distribution === 'mount' ? publisher : ''),
    line.profilesOn.join(', '),
    code(line.store),
    codes(line.sources),
  ];
}

function keyRow(facts: LineFacts, topology: Topology): string[] {
  const { nodes, pipelines, bundles, atMost } = revocationRadius(facts, topology);
  const reach = `${plural(nodes, 'node')}, ${atMost ? 'at most ' : ''}${plural(pipelines, 'pipeline')}, ${plural(bundles, 'bundle')}`;
  return [code(facts.name), codes(facts.holders.map((node) => node.name)), reach];
}

function regionRows({ name, nodes }: LineFacts): string[][] {
  const regions = [...new Set(nodes.map((node) => node.region))];
  return regions.map((region) => {
    const here = nodes.filter((node) => node.region === region);
    return [
      code(name),
      code(region),
      ...ROLES.map((role) => String(here.filter((node) => node.roles.includes(role)).length)),
      String(here.length),
    ];
  });
}

/**
 * The topology as Markdown tables: lines, who may hold private keys, nodes per region and role. The same topology gives the same bytes:
 * there is no time in it, and the order is that of topology.yaml. Ends with a line break.
 */
export function topologyMarkdown(topology: Topology): string {
  const all = factsOf(topology);
  const lines = [
    `Installation ${code(topology.installation)}: ${plural(topology.nodes.length, 'node')}, ${plural(all.length, 'line')}. Written by \`reseal topology render\`; change \`topology.yaml\` instead.`,
    '',
    ...table(['Line', 'Topology', 'Identity', 'Distribution', 'Profiles on', 'Store', 'Sources'], all.map(lineRow)),
    '',
    ...table(
      ['Line', 'May hold private keys', 'One revocation reaches'],
      all.map((facts) => keyRow(facts, topology)),
    ),
    '',
    ...table(['Line', 'Region', 'Signers', 'Compile', 'Publishers', 'Nodes'], all.flatMap(regionRows)),
  ];
  return `${lines.join('\n')}\n`;
}
