import type { NodeDeclaration, Topology } from '../topology.js';
import { isSigner, pathOfNode, type LineFacts } from './facts.js';
import { namesOf, plural, type TopologyFinding } from './finding.js';

const names = (nodes: readonly NodeDeclaration[]) => nodes.map((node) => node.name);

/** Lines whose builds go to signers, rather than sign where they run. */
const sendsAway = ({ line }: LineFacts): boolean => line.identity === 'signers';

/** Regions that stop signing with one node, and regions that have no signer at all. */
export function checkRegions(topology: Topology, facts: LineFacts): TopologyFinding[] {
  if (!sendsAway(facts) || facts.signers.length === 0) return [];
  const regions = [...new Set(facts.nodes.map((node) => node.region))];
  const signersIn = (region: string) => facts.signers.filter((node) => node.region === region);
  const single = regions.filter((region) => signersIn(region).length === 1);
  const none = regions.filter((region) => signersIn(region).length === 0);
  const findings: TopologyFinding[] = [];
  const alone = single.flatMap(signersIn);
  if (alone.length > 0)
    findings.push({
      verdict: 'warning',
      check: 'one-signer',
      lines: [facts.name],
      nodes: names(alone),
      path: pathOfNode(topology, alone[0]),
      found: `Line ${facts.name} has one signer in ${namesOf(single)} (${namesOf(names(alone))}): while it is switched, repaired or locked, ${facts.signers.length === 1 ? 'nothing is signed' : 'archives wait or cross regions'}`,
      expected: 'two signers in each region that signs, so that one is switched while the other works',
      next: 'Add a signer there',
    });
  if (none.length > 0)
    findings.push({
      verdict: 'note',
      check: 'one-signer',
      lines: [facts.name],
      nodes: names(facts.nodes.filter((node) => none.includes(node.region))),
      path: ['lines', facts.name],
      found: `Line ${facts.name} has no signer in ${namesOf(none)}: archives from there are signed in another region`,
      expected: 'a signer in each region, or a path between regions that may fail',
      next: 'Nothing, where that is meant',
    });
  return findings;
}

/** Golden images and environments of a line. */
export function checkNodesOfLine(topology: Topology, facts: LineFacts): TopologyFinding[] {
  const findings: TopologyFinding[] = [];
  const onlySigners = facts.signers.filter((node) => !node.roles.includes('compile'));
  const compileImages = new Set(facts.nodes.filter((node) => !isSigner(node)).map((node) => node.image));
  const shared = onlySigners.filter((node) => compileImages.has(node.image));
  if (sendsAway(facts) && shared.length > 0)
    findings.push({
      verdict: 'note',
      check: 'image-shared',
      lines: [facts.name],
      nodes: names(shared),
      path: pathOfNode(topology, shared[0], 'image'),
      found: `${namesOf(names(shared))} of line ${facts.name} ${shared.length === 1 ? 'is' : 'are'} imaged like its build nodes (${namesOf([...new Set(shared.map((node) => node.image))])})`,
      expected: 'a batch of images of their own for signers: a new toolchain then does not touch whoever signs',
      next: 'Nothing, where signers are imaged apart and only share the name',
    });
  const environments = [...new Set(facts.nodes.map((node) => node.environment))];
  const odd = facts.nodes.filter((node) => node.environment !== 'production');
  if (environments.length > 1 && environments.includes('production'))
    findings.push({
      verdict: 'warning',
      check: 'mixed-environments',
      lines: [facts.name],
      nodes: names(odd),
      path: pathOfNode(topology, odd[0], 'environment'),
      found: `Line ${facts.name} is followed by production nodes and by ${plural(odd.length, 'node')} that ${odd.length === 1 ? 'is' : 'are'} none (${namesOf(names(odd))}): one rotation moves both`,
      expected: 'a line of its own for staging, in a configuration folder of its own: floors and rehearsals go by the whole mesh',
      next: 'Move these nodes to a folder and an installation of their own',
    });
  return findings;
}

/** Nodes that follow nothing: no rotation ever looks at them. */
export function checkIdleNodes(topology: Topology): TopologyFinding[] {
  const idle = topology.nodes.filter((node) => node.lines.length === 0);
  if (idle.length === 0) return [];
  return [
    {
      verdict: 'warning',
      check: 'node-without-line',
      lines: [],
      nodes: names(idle),
      path: pathOfNode(topology, idle[0], 'lines'),
      found: `${namesOf(names(idle))} ${idle.length === 1 ? 'follows' : 'follow'} no line: no rotation reaches ${idle.length === 1 ? 'it' : 'them'}`,
      expected: 'at least one line for each node',
      next: 'Add lines, or take the node out',
    },
  ];
}
