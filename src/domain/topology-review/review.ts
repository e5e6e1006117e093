import type { LineName } from '../brands.js';
import type { Roster } from '../roster.js';
import type { Topology } from '../topology.js';
import { wipeableTreeOf } from '../wipeable.js';
import { antiPatterns } from './anti-patterns.js';
import { checkIdlePublishers, checkProfiles, checkPublishing } from './distribution.js';
import { factsOf } from './facts.js';
import type { TopologyFinding, TopologyVerdict } from './finding.js';
import { checkCertificateLimit, checkHolders, checkSigners } from './keys.js';
import { checkEnrolment } from './enrolment.js';
import { checkPools } from './pools.js';
import { checkIdleNodes, checkNodesOfLine, checkRegions } from './spread.js';

/** A store or a source on this machine: where profiles lie before they are on nodes. `path` is absolute. */
export interface Place {
  readonly kind: 'store' | 'source';
  readonly name: string;
  readonly path: string;
}

export interface Reviewed {
  readonly topology: Topology;
  readonly roster: Roster;
  readonly places: readonly Place[];
  /** `policy.wipeable`. */
  readonly wipeable: readonly string[];
}

/** Stores and drop folders in trees that cleaners empty (S13); the nodes' own paths are the configuration's check. */
function wipeablePlaces({ topology, places, wipeable }: Reviewed): TopologyFinding[] {
  if (topology.nodes.every((node) => node.environment !== 'production')) return [];
  const lines = Object.keys(topology.lines) as LineName[];
  return places.flatMap(({ kind, name, path }): TopologyFinding[] => {
    const tree = wipeableTreeOf(path, wipeable);
    if (tree === null) return [];
    const using = lines.filter((line) =>
      kind === 'store' ? topology.lines[line]?.store === name : topology.lines[line]?.sources.includes(name),
    );
    const [first] = using;
    if (first === undefined) return [];
    return [
      {
        verdict: 'warning',
        check: 'wipeable-place',
        lines: using,
        nodes: [],
        path: ['lines', first, kind === 'store' ? 'store' : 'sources'],
        found: `The ${kind} ${name} lies in ${tree}, which cleaners empty`,
        expected: `a ${kind} that nothing empties: ${kind === 'store' ? 'it is what must not be lost' : 'successors wait there'}`,
        next: 'Move it, and correct its path in reseal.yaml',
      },
    ];
  });
}

const RANK: Readonly<Record<TopologyVerdict, number>> = { error: 0, warning: 1, note: 2 };

/**
 * Everything that can be said of a topology without asking a node, the gravest first. What makes a configuration unreadable or
 * contradictory in itself is refused before (`loadConfiguration`) and is not said again here.
 */
export function reviewTopology(reviewed: Reviewed): readonly TopologyFinding[] {
  const { topology, roster } = reviewed;
  const all = factsOf(topology);
  const findings = [
    ...all.flatMap((facts) => [
      ...checkSigners(topology, facts),
      ...checkProfiles(facts),
      ...checkPublishing(topology, facts),
      ...checkRegions(topology, facts),
      ...checkNodesOfLine(topology, facts),
    ]),
    ...checkHolders(topology, all),
    ...checkCertificateLimit(all),
    ...checkIdlePublishers(topology, all),
    ...antiPatterns(topology),
    ...checkIdleNodes(topology),
    ...checkEnrolment(topology),
    ...checkPools(topology, roster, all),
    ...wipeablePlaces(reviewed),
  ];
  return findings.toSorted((a, b) => RANK[a.verdict] - RANK[b.verdict]);
}
