import type { LineName } from '../brands.js';
import { mayDo, type Roster } from '../roster.js';
import type { Topology } from '../topology.js';
import { linesOfPools, type LineFacts } from './facts.js';
import { namesOf, plural, type TopologyFinding } from './finding.js';

/** Whether two pools are meant to be apart: there is more than one, and no line is followed by both. */
function apart(a: readonly LineName[], b: readonly LineName[]): boolean {
  return a.length > 0 && b.length > 0 && !a.some((line) => b.includes(line));
}

/** Lines that several pools follow: a pool is isolated by having a line of its own. */
function sharedLines(topology: Topology, all: readonly LineFacts[]): TopologyFinding[] {
  return all.flatMap(({ name, nodes }): TopologyFinding[] => {
    const pools = [...new Set(nodes.map((node) => node.pool))];
    if (pools.length < 2) return [];
    const several = Object.keys(topology.lines).length > 1;
    return [
      {
        verdict: several ? 'warning' : 'note',
        check: 'pools-share-line',
        lines: [name],
        nodes: [],
        path: ['lines', name],
        found: `Line ${name} is followed by ${plural(pools.length, 'pool')} (${namesOf(pools)}): they are rotated together, by the same people, with the same profiles`,
        expected: 'a line for each pool that is to be isolated; pools that only spread the cohorts may share one',
        next: 'Nothing, where the pools are of one team; otherwise give each a line, a source and signers of its own',
      },
    ];
  });
}

type Pool = readonly [name: string, lines: readonly LineName[]];

/** What two pools that are apart both use, with all the pools that use it. */
function usedByPoolsApart(
  pools: readonly Pool[],
  use: (line: LineName) => readonly string[],
): { readonly what: string; readonly pools: readonly Pool[] }[] {
  const users = new Map<string, Pool[]>();
  for (const pool of pools) {
    for (const what of new Set(pool[1].flatMap(use))) users.set(what, [...(users.get(what) ?? []), pool]);
  }
  return [...users]
    .map(([what, using]) => ({ what, pools: using }))
    .filter(({ pools: using }) => using.some(([, lines]) => using.some(([, others]) => apart(lines, others))));
}

/** What pools with lines of their own still have in common. */
function common(topology: Topology, roster: Roster): TopologyFinding[] {
  const pools = [...linesOfPools(topology)];
  const isolated = pools.filter(([, lines]) => pools.some(([, others]) => apart(lines, others)));
  if (isolated.length === 0) return [];
  const named = (of: readonly Pool[]): string => namesOf(of.map(([name]) => name));
  const linesOf = (of: readonly Pool[]): LineName[] => [...new Set(of.flatMap(([, lines]) => lines))];
  const approvers = roster.persons.filter((person) => mayDo(roster, person.id, 'approve')).map((person) => person.id);
  const about = { nodes: [], path: ['lines'] } as const;
  return [
    ...usedByPoolsApart(isolated, (line) => topology.lines[line]?.sources ?? []).map(({ what, pools: using }): TopologyFinding => ({
      ...about,
      lines: linesOf(using),
      verdict: 'warning',
      check: 'pools-share-source',
      found: `Pools ${named(using)} have lines of their own and look for successors in one source, ${what}: the files of one project lie before the other`,
      expected: 'a source for each pool, so that its prefix of profiles never meets another',
      next: 'Declare a drop folder for each in reseal.yaml and name it in sources',
    })),
    ...usedByPoolsApart(isolated, (line) => [topology.lines[line]?.store ?? []].flat()).map(({ what, pools: using }): TopologyFinding => ({
      ...about,
      lines: linesOf(using),
      verdict: 'note',
      check: 'pools-share-store',
      found: `Pools ${named(using)} keep their manifests and profiles in one store, ${what}: who reads it reads both`,
      expected: 'a store for each pool whose people may not see the other',
      next: 'Nothing, where one team runs both; otherwise declare a second store',
    })),
    ...(approvers.length === 0
      ? []
      : [
          {
            ...about,
            lines: linesOf(isolated),
            verdict: 'warning' as const,
            check: 'pools-share-approvers' as const,
            found: `Pools ${named(isolated)} have one roster, for a folder has one: ${namesOf(approvers)} may approve for each of them`,
            expected: 'people who approve for one pool only',
            next: 'Give each pool a configuration folder with an installation and a roster of its own; leave it, where one team answers for all',
          },
        ]),
  ];
}

export function checkPools(topology: Topology, roster: Roster, all: readonly LineFacts[]): TopologyFinding[] {
  return [...sharedLines(topology, all), ...common(topology, roster)];
}
