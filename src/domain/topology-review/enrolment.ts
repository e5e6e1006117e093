import type { LineName } from '../brands.js';
import type { Topology } from '../topology.js';
import { pathOfNode } from './facts.js';
import { be, namesOf, type TopologyFinding } from './finding.js';

/** Nodes in production whose agents sign nothing: Temporal's credentials of one Mac let it answer for the others. */
export function checkEnrolment(topology: Topology): TopologyFinding[] {
  const nodes = topology.nodes.filter(
    (node) => node.environment === 'production' && node.reach.kind === 'agent' && (node.nodeKeys ?? []).length === 0,
  );
  const [first] = nodes;
  if (first === undefined) return [];
  const names = nodes.map((node) => node.name);
  return [
    {
      verdict: 'warning',
      check: 'node-without-key',
      lines: [...new Set(nodes.flatMap((node): readonly LineName[] => node.lines))],
      nodes: names,
      path: pathOfNode(topology, first),
      found: `${namesOf(names)} ${be(names)} in production with an agent that signs nothing: whoever has the Temporal credentials of one Mac can answer for ${names.length === 1 ? 'it' : 'them'}`,
      expected: 'a nodeKey at each node with an agent',
      next: `Run \`reseal node enroll\` on each of these Macs, as the account of its agent, and declare what it shows`,
    },
  ];
}
