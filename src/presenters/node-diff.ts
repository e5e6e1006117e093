import type { NodeView } from './node.js';

/** One thing that two nodes do not have in common. */
export interface NodeDifference {
  /** Empty: of the node as a whole. */
  readonly line: string;
  readonly what: string;
  /** What each of the two has; `-` for nothing. */
  readonly one: string;
  readonly other: string;
}

export interface NodeDiffView {
  readonly schemaVersion: 1;
  readonly nodes: readonly [string, string];
  readonly differences: readonly NodeDifference[];
}

type Line = NodeView['lines'][number];

/** What two nodes differ in, that matters to a build which passes on one and fails on the other: as declared, and as read off them now. */
export function nodeDiff(one: NodeView, other: NodeView): NodeDiffView {
  const declared = ['image', 'keys', 'environment', 'pool'] as const;
  const differences = [
    ...declared.flatMap((what) => differing('', what, one[what], other[what])),
    ...differing('', 'roles', [...one.roles].sort().join(','), [...other.roles].sort().join(',')),
  ];
  const names = [...new Set([...one.lines, ...other.lines].map(({ line }) => line))].sort();
  for (const name of names) {
    const [mine, theirs] = [one, other].map(({ lines }) => lines.find(({ line }) => line === name));
    for (const [what, of] of FACTS) differences.push(...differing(name, what, valueOf(mine, of), valueOf(theirs, of)));
  }
  return { schemaVersion: 1, nodes: [one.name, other.name], differences };
}

const FACTS: readonly (readonly [string, (line: Line) => string | null])[] = [
  ['verdict', (line) => line.verdict],
  ['active manifest', (line) => line.active],
  ['accepted manifests', (line) => [...line.accepted].sort().join(', ')],
  ['usable identities', (line) => (line.identities === null ? null : String(line.identities.usable))],
  ['identity summary', (line) => line.identities?.sorted ?? null],
  [
    'checks that do not pass',
    (line) =>
      line.problems
        .map(({ check }) => check)
        .sort()
        .join(', '),
  ],
  ['findings', (line) => [...line.findings].sort().join('; ')],
];

function valueOf(line: Line | undefined, of: (line: Line) => string | null): string {
  const value = line === undefined ? null : of(line);
  return value === null || value === '' ? '-' : value;
}

const differing = (line: string, what: string, one: string, other: string): NodeDifference[] =>
  one === other ? [] : [{ line, what, one, other }];
