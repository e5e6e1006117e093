import type { Duration, NodeName } from './brands.js';
import { describeDuration } from './duration.js';
import { servedTogether, type Gateways } from './node/routes.js';
import type { Policy } from './policy.js';
import { someOf } from './some-of.js';
import type { LineDeclaration, NodeDeclaration } from './topology.js';

/** How long a mount of the line may still show what was there before, in milliseconds; nothing is waited for where nodes have copies. */
export const cacheTimeOf = (line: LineDeclaration): Duration => (line.distribution === 'mount' ? (line.cacheTime ?? 0) : 0);

/** How long a switch takes at its worst: until the mount shows it, and between as many probes as have to pass. */
export const provingOnVolume = (cacheTime: Duration, { probe }: Pick<Policy, 'probe'>): Duration =>
  cacheTime + Math.max(0, probe.passes - 1) * Math.max(probe.interval, cacheTime);

/** What preflight knows of a line's published volume. */
export interface VolumeFacts {
  readonly line: LineDeclaration;
  readonly policy: Policy;
  /** Those that a rotation of the line changes. */
  readonly nodes: readonly NodeDeclaration[];
  /** Null: the topology has no node of that name. */
  readonly publisher: NodeDeclaration | null;
  readonly gateways: Gateways;
  /** Nodes for which the manifest has entries of their own. */
  readonly holders: readonly NodeName[];
}

/** Why a line cannot be published as it is declared; empty when it can, and where it is distributed by copies. */
export function publishingReasons(facts: VolumeFacts): readonly string[] {
  if (facts.line.distribution !== 'mount') return [];
  const { publisher } = facts;
  if (publisher === null) return ['distribution: mount needs a publisher, and the topology has no node of the name that the line gives'];
  return [
    ...(facts.nodes.includes(publisher) ? [] : [`the publisher ${publisher.name} does not follow the line; add the line to its lines`]),
    ...outOfReach(publisher, facts),
    ...(facts.holders.length === 0
      ? []
      : [`a published volume has the same settings for all nodes, and the manifest has entries for ${someOf(facts.holders)} alone; distribute the line by copies`]), // prettier-ignore
    ...timesOf(facts),
  ];
}

/** One operation works on the node and on the volume, so one worker has to reach both. */
function outOfReach(publisher: NodeDeclaration, { nodes, gateways }: VolumeFacts): readonly string[] {
  if (publisher.reach.kind === 'agent')
    return [`the publisher ${publisher.name} is reached by its agent, which serves no other node; reach it over SSH, by the worker that reaches the nodes`]; // prettier-ignore
  const apart = nodes.filter((node) => !servedTogether(publisher, node, gateways)).map((node) => node.name);
  return apart.length === 0
    ? []
    : [`the publisher ${publisher.name} is not reached by the worker that serves ${someOf(apart)}; one worker moves a node's pointer on the volume and proves it on the node, so neither an agent nor another region's gateway can`]; // prettier-ignore
}

function timesOf({ line, policy }: VolumeFacts): readonly string[] {
  if (line.cacheTime === undefined)
    return ['the line is mounted and declares no cacheTime, so nobody knows how long a node may still read what was there before'];
  const needed = provingOnVolume(line.cacheTime, policy);
  const { passes } = policy.probe;
  const limits = [
    ['rollback.nodeTime', policy.rollback.nodeTime],
    ['limits.nodeOperationTimeout', policy.limits.nodeOperationTimeout],
  ] as const;
  return limits
    .filter(([, limit]) => limit < needed)
    .map(([name, limit]) => `a switch waits up to ${describeDuration(needed)} for its mount (cacheTime ${describeDuration(line.cacheTime ?? 0)} and ${passes} passes no closer than that), and ${name} is ${describeDuration(limit)}; raise it`); // prettier-ignore
}
