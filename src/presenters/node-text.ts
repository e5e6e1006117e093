import { shortDigest } from './digest.js';
import type { NodeDiffView } from './node-diff.js';
import type { NodeListView, NodeView } from './node.js';
import type { Pen } from './rotation-text.js';

const COLOUR = { pass: 'green', fail: 'red', inconclusive: 'yellow', unreachable: 'red', unknown: 'dim' } as const;

const CHECK_COLOUR = { pass: 'green', fail: 'red', inconclusive: 'yellow', 'not-due': 'dim' } as const;

export function nodeListText(view: NodeListView, pen: Pen, now: number): string[] {
  return pen.table(
    ['NODE', 'REGION', 'ROLES', 'IMAGE', 'LINE', 'VERDICT', 'ACTIVE', 'SEEN'],
    view.nodes.flatMap((node) =>
      node.lines.map((line) => [
        node.name,
        node.region,
        node.roles.join(','),
        node.image,
        line.line,
        { text: line.verdict, style: COLOUR[line.verdict] },
        line.active === null ? '-' : `${shortDigest(line.active)}${line.onHead === false ? ' (not the head)' : ''}`,
        line.seenAt === null ? 'never' : pen.time(Date.parse(line.seenAt), now),
      ]),
    ),
  );
}

/** Digests are told apart by their beginnings. */
const brief = (value: string): string => value.replaceAll(/\b([0-9a-f]{12})[0-9a-f]{52}\b/g, '$1');

export function nodeDiffText({ nodes, differences }: NodeDiffView, pen: Pen): string[] {
  const [one, other] = nodes;
  if (differences.length === 0) return [`${one} and ${other} do not differ`];
  return pen.table(
    ['', 'LINE', one.toUpperCase(), other.toUpperCase()],
    differences.map(({ line, what, one: mine, other: theirs }) => [what, line === '' ? '-' : line, brief(mine), brief(theirs)]),
  );
}

export function nodeText(node: NodeView, pen: Pen): string[] {
  const lines = [
    `${pen.styled(node.name, 'bold')}  ${node.region}, ${node.roles.join(' and ')}, ${node.environment}, image ${node.image}, keys ${node.keys}`,
    `  reach     ${node.reach}`,
  ];
  for (const line of node.lines) {
    lines.push(
      `  ${pen.styled(line.line, 'bold')}  ${pen.styled(line.verdict, COLOUR[line.verdict])}${line.reason === '' ? '' : `  ${line.reason}`}`,
    );
    lines.push(
      `    active    ${line.active ?? 'none'}${line.onHead === false ? ` ${pen.styled('(not the head of the line)', 'yellow')}` : ''}`,
    );
    for (const accepted of line.accepted) if (accepted !== line.active) lines.push(`    accepts   ${accepted}`);
    if (line.epoch !== null) lines.push(`    epoch     ${line.epoch}`);
    if (line.identities !== null)
      lines.push(
        `    signs     with ${line.identities.usable} usable ${line.identities.usable === 1 ? 'identity' : 'identities'}, summary ${shortDigest(line.identities.sorted)}`,
      );
    for (const pin of line.pins ?? [])
      lines.push(
        `    pinned    ${shortDigest(pin.manifest)} by ${pin.job}${pin.pipeline === null ? '' : ` of ${pin.pipeline}`} until ${pin.expires}${pin.overdue ? ` ${pen.styled('(overdue)', 'yellow')}` : ''}`,
      );
    for (const one of line.checks ?? line.problems)
      lines.push(`    ${pen.styled(one.verdict.padEnd(9), CHECK_COLOUR[one.verdict])} ${one.check}: ${one.reason}`);
    for (const finding of line.findings) lines.push(`    finding   ${finding}`);
  }
  return lines;
}
