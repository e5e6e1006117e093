import type { NodeDeclaration, Topology } from '../topology.js';
import { pathOfNode, type LineFacts } from './facts.js';
import { be, namesOf, type TopologyFinding } from './finding.js';

const names = (nodes: readonly NodeDeclaration[]) => nodes.map((node) => node.name);

/** Whether profiles get to those who sign with them. */
export function checkProfiles({ name, line, nodes, signers, profiled }: LineFacts): TopologyFinding[] {
  if (nodes.length === 0) return [];
  const common = { verdict: 'error', lines: [name], path: ['lines', name, 'profilesOn'] } as const;
  const roles = `[${line.profilesOn.join(', ')}]`;
  if (profiled.length === 0)
    return [
      {
        ...common,
        check: 'profiles-nowhere',
        nodes: [],
        found: `Line ${name} puts profiles on ${roles}, and no node that follows it has such a role`,
        expected: 'a role that nodes of the line have',
        next: 'Correct profilesOn, or the roles of the nodes',
      },
    ];
  const served = new Set(profiled);
  const without = line.identity === 'sidecar' ? [] : signers.filter((node) => !served.has(node));
  if (without.length === 0) return [];
  return [
    {
      ...common,
      check: 'signer-without-profiles',
      nodes: names(without),
      found: `Line ${name} puts profiles on ${roles}, and its signers ${namesOf(names(without))} get none`,
      expected: 'signer in profilesOn: a signature embeds the profile',
      next: `Say profilesOn: [signer${line.profilesOn.map((role) => `, ${role}`).join('')}]`,
    },
  ];
}

/** The publisher of a mounted line, and what a line that copies says for nothing. That there is one is the configuration's own check. */
export function checkPublishing(topology: Topology, { name, line, nodes }: LineFacts): TopologyFinding[] {
  if (line.distribution !== 'mount') return [];
  const findings: TopologyFinding[] = [];
  const publisher = topology.nodes.find((node) => node.name === line.publisher);
  const path = ['lines', name, 'publisher'];
  if (publisher !== undefined) {
    const common = { lines: [name], nodes: [publisher.name], path };
    if (!publisher.roles.includes('publisher'))
      findings.push({
        ...common,
        verdict: 'error',
        check: 'publisher-role',
        found: `${publisher.name} publishes line ${name}, and its roles are [${publisher.roles.join(', ')}]`,
        expected: 'the role publisher on the node that publishes',
        next: `Say roles: [publisher] for ${publisher.name}, or name another publisher`,
      });
    if (!nodes.includes(publisher))
      findings.push({
        ...common,
        verdict: 'error',
        check: 'publisher-off-line',
        found: `${publisher.name} publishes line ${name} and does not follow it`,
        expected: `a publisher with ${name} among its lines`,
        next: `Add ${name} to the lines of ${publisher.name}`,
      });
    const apart = nodes.filter((node) => node.reach.kind === 'agent');
    if (apart.length > 0)
      findings.push({
        ...common,
        verdict: 'error',
        check: 'publisher-apart',
        nodes: names(apart),
        path: pathOfNode(topology, apart[0], 'reach'),
        found: `Line ${name} is mounted, and ${namesOf(names(apart))} ${be(apart)} reached by ${apart.length === 1 ? 'an agent' : 'agents'}`,
        expected:
          'one worker that reaches the publisher and every node of the line: it moves a pointer on the volume and proves it on the node',
        next: 'Reach them over SSH, by one gateway, or distribute the line by copies',
      });
    if (publisher.keys === 'allowed')
      findings.push({
        ...common,
        verdict: 'warning',
        check: 'publisher-with-key',
        path: pathOfNode(topology, publisher, 'keys'),
        found: `${publisher.name} writes what every node of line ${name} reads, and may hold private keys`,
        expected: 'keys: forbidden on a publisher: the one host that reaches all others signs nothing',
        next: 'Sign on another node',
      });
  }
  if (line.cacheTime === undefined)
    findings.push({
      verdict: 'warning',
      check: 'cache-time',
      lines: [name],
      nodes: [],
      path: ['lines', name, 'distribution'],
      found: `Line ${name} is mounted, and does not say how long its mounts cache`,
      expected: 'cacheTime, the longest time for which a node may still read what was there before; probes wait for it',
      next: 'Measure it, or take it from the options of the mount, and write it down, like cacheTime: 60s',
    });
  return findings;
}

/** Publishers that no line names, and publishers that lines name while they copy. */
export function checkIdlePublishers(topology: Topology, all: readonly LineFacts[]): TopologyFinding[] {
  const copying = all.filter(({ line }) => line.distribution === 'copy' && line.publisher !== undefined);
  const named = all.filter(({ line }) => line.distribution === 'mount').map(({ line }) => line.publisher);
  const idle = topology.nodes.filter((node) => node.roles.includes('publisher') && !named.includes(node.name));
  return [
    ...copying.map(({ name, line }): TopologyFinding => ({
      verdict: 'warning',
      check: 'publisher-unused',
      lines: [name],
      nodes: line.publisher === undefined ? [] : [line.publisher],
      path: ['lines', name, 'publisher'],
      found: `Line ${name} names a publisher, and copies profiles to each node`,
      expected: 'a publisher only with distribution: mount',
      next: 'Take publisher out, or say distribution: mount',
    })),
    ...(idle.length === 0
      ? []
      : [
          {
            verdict: 'warning' as const,
            check: 'publisher-unused' as const,
            lines: [],
            nodes: names(idle),
            path: pathOfNode(topology, idle[0], 'roles'),
            found: `${namesOf(names(idle))} ${be(idle)} to publish, and no mounted line names ${idle.length === 1 ? 'it' : 'them'} as publisher`,
            expected: 'the role publisher only on nodes that lines with distribution: mount name',
            next: 'Name it as publisher of a line, or take the role away',
          },
        ]),
  ];
}
