import type { LineName } from '../brands.js';
import type { LineDeclaration, NodeDeclaration, Topology } from '../topology.js';

/** A line with what the nodes make of it. */
export interface LineFacts {
  readonly name: LineName;
  readonly line: LineDeclaration;
  /** The nodes that follow it. */
  readonly nodes: readonly NodeDeclaration[];
  readonly signers: readonly NodeDeclaration[];
  /** Those that may hold private keys, whatever their roles. */
  readonly holders: readonly NodeDeclaration[];
  /** Those that get profiles: a role of `profilesOn`. */
  readonly profiled: readonly NodeDeclaration[];
}

export const isSigner = (node: NodeDeclaration): boolean => node.roles.includes('signer');
export const mayHoldKeys = (node: NodeDeclaration): boolean => node.keys === 'allowed';

export function factsOf(topology: Topology): readonly LineFacts[] {
  return Object.entries(topology.lines).map(([key, line]) => {
    const name = key as LineName;
    const nodes = topology.nodes.filter((node) => node.lines.includes(name));
    return {
      name,
      line,
      nodes,
      signers: nodes.filter(isSigner),
      holders: nodes.filter(mayHoldKeys),
      profiled: nodes.filter((node) => node.roles.some((role) => line.profilesOn.includes(role))),
    };
  });
}

/** Where a node stands in topology.yaml. */
export const pathOfNode = (topology: Topology, node: NodeDeclaration | undefined, ...field: readonly string[]): (string | number)[] =>
  node === undefined ? ['nodes'] : ['nodes', topology.nodes.indexOf(node), ...field];

/** What falls with one revoked certificate of a line. */
export interface RevocationRadius {
  readonly nodes: number;
  readonly pipelines: number;
  readonly bundles: number;
  /** Whether pipelines and bundles are an upper bound: which line a bundle is of is said by the manifests, not by topology.yaml. */
  readonly atMost: boolean;
}

/**
 * How far one revocation reaches. Where each node has a certificate of its own it is one node; otherwise every node that holds the key or
 * a profile with that certificate in it.
 */
export function revocationRadius(facts: LineFacts, topology: Topology): RevocationRadius {
  const perNode = facts.line.identity === 'per-node';
  const reached = new Set([...facts.holders, ...facts.profiled]);
  return {
    nodes: perNode ? Math.min(1, facts.holders.length) : reached.size,
    pipelines: topology.pipelines.length,
    bundles: new Set(topology.pipelines.flatMap((pipeline) => pipeline.bundles)).size,
    atMost: perNode || Object.keys(topology.lines).length > 1,
  };
}

export type TopologyName = 'dedicated signer' | 'per-runner identity' | 'shared identity' | 'controlled distribution' | 'HSM-class sidecar';

/** The name that the field has for what a line declares; the two axes, `identity` and `distribution`, make it. */
export function topologyName(line: LineDeclaration): TopologyName {
  switch (line.identity) {
    case 'sidecar':
      return 'HSM-class sidecar';
    case 'per-node':
      return 'per-runner identity';
    case 'shared':
      return 'shared identity';
    case 'signers':
      return line.distribution === 'mount' ? 'controlled distribution' : 'dedicated signer';
  }
}

/** Pools with the lines that their nodes follow, in the order of the file. */
export function linesOfPools(topology: Topology): ReadonlyMap<string, readonly LineName[]> {
  const pools = new Map<string, Set<LineName>>();
  for (const node of topology.nodes) {
    const lines = pools.get(node.pool) ?? new Set<LineName>();
    for (const line of node.lines) lines.add(line);
    pools.set(node.pool, lines);
  }
  return new Map([...pools].map(([pool, lines]) => [pool, [...lines]]));
}
