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

/** What pools with lines of their own still have in common. */
function common(topology: Topology, roster: Roster): TopologyFinding[] {
  const pools = [...linesOfPools(topology)];
  const isolated = pools.filter(([pool, lines]) => pools.some(([other, theirs]) => other !== pool && apart(lines, theirs)));
  if (isolated.length < 2) return [];
  const names = isolated.map(([pool]) => pool);
  const lines = [...new Set(isolated.flatMap(([, own]) => own))];
  const usedBy = (use: (line: LineName) => readonly string[]): string[] => {
    const pairs = isolated.map(([, own]) => new Set(own.flatMap(use)));
    return [...new Set(pairs.flatMap((set) => [...set]))].filter((name) => pairs.filter((set) => set.has(name)).length > 1);
  };
  const sources = usedBy((line) => topology.lines[line]?.sources ?? []);
  const stores = usedBy((line) => [topology.lines[line]?.store ?? []].flat());
  const approvers = roster.persons.filter((person) => mayDo(roster, person.id, 'approve')).map((person) => person.id);
  const about = { lines, nodes: [], path: ['lines'] as const };
  const findings: TopologyFinding[] = [];
  if (sources.length > 0)
    findings.push({
      ...about,
      verdict: 'warning',
      check: 'pools-share-source',
      found: `Pools ${namesOf(names)} have lines of their own and look for successors in one source, ${namesOf(sources)}: the files of one project lie before the other`,
      expected: 'a source for each pool, so that its prefix of profiles never meets another',
      next: 'Declare a drop folder for each in reseal.yaml and name it in sources',
    });
  if (stores.length > 0)
    findings.push({
      ...about,
      verdict: 'note',
      check: 'pools-share-store',
      found: `Pools ${namesOf(names)} keep their manifests and profiles in one store, ${namesOf(stores)}: who reads it reads both`,
      expected: 'a store for each pool whose people may not see the other',
      next: 'Nothing, where one team runs both; otherwise declare a second store',
    });
  if (approvers.length > 0)
    findings.push({
      ...about,
      verdict: 'warning',
      check: 'pools-share-approvers',
      found: `Pools ${namesOf(names)} have one roster, for a folder has one: ${namesOf(approvers)} may approve for each of them`,
      expected: 'people who approve for one pool only',
      next: 'Give each pool a configuration folder with an installation and a roster of its own; leave it, where one team answers for all',
    });
  return findings;
}

export function checkPools(topology: Topology, roster: Roster, all: readonly LineFacts[]): TopologyFinding[] {
  return [...sharedLines(topology, all), ...common(topology, roster)];
}
