import { join } from 'node:path';
import type { Configuration } from '../../configuration/load.js';
import type { LineName } from '../../domain/brands.js';
import { expectedEntries } from '../../domain/expected.js';
import type { Manifest } from '../../domain/manifest.js';
import type { CohortPlan } from '../../domain/rotation/cohorts.js';
import type { NodeDeclaration, ProfileFolder } from '../../domain/topology.js';
import { startBuilders, type Builders, type BuildersEnd } from '../../simulator/builder.js';
import type { Fail, FaultSite } from '../../simulator/mesh/faults.js';
import { ROOT_FOLDERS } from '../demo/paths.js';

/** The rehearsed mesh as its builders and its faults see it. */
export interface RehearsedSite {
  /** Of the rehearsal. */
  readonly configuration: Configuration;
  readonly line: LineName;
  readonly manifest: Manifest;
  readonly cohorts: CohortPlan;
  readonly maxUnavailable: number;
  readonly nodesFolder: string;
}

const declarationOf = ({ configuration, line }: RehearsedSite): Configuration['topology']['lines'][LineName] | undefined =>
  configuration.topology.lines[line];

/** The nodes that have profiles of their own, in order of switching: nothing is built on a publisher. */
function buildNodes(site: RehearsedSite): readonly NodeDeclaration[] {
  const declaration = declarationOf(site);
  const byName = new Map(site.configuration.topology.nodes.map((node) => [node.name, node]));
  return site.cohorts.flat().flatMap((name) => {
    const node = byName.get(name);
    if (node === undefined || declaration === undefined || expectedEntries(node, declaration, site.manifest).length === 0) return [];
    return [node];
  });
}

/** Where the mesh may be broken. @throws Error never: a mesh whose canary is the whole of it is told by `mayFail` */
export function faultSite(site: RehearsedSite, fail: Fail): FaultSite {
  const nodes = buildNodes(site);
  const canary = new Set(site.cohorts[0]);
  const later = nodes.filter(({ name }) => !canary.has(name));
  const hit = fail === 'rolling' ? later : nodes;
  return {
    order: nodes.map(({ name }) => name),
    victims: Math.min(site.maxUnavailable + 1, hit.length),
    allowed: site.maxUnavailable,
    placesOf: (name) => {
      const home = join(site.nodesFolder, name);
      const node = nodes.find((one) => one.name === name);
      const folder: ProfileFolder = node?.profileFolders[0] ?? 'xcode16';
      return { mount: join(home, node?.mount ?? ''), state: join(home, node?.state ?? ''), profiles: join(home, ROOT_FOLDERS[folder]) };
    },
  };
}

/** Whether anything is left to break there: a small mesh may be all canary. */
export const mayFail = (cohorts: CohortPlan, fail: Fail): boolean => fail !== 'rolling' || cohorts.length > 1;

/** Jobs on every node that has profiles, as its own declaration says where they are; all count together. */
export function startAllBuilders(site: RehearsedSite): Builders {
  const { configuration, line, nodesFolder } = site;
  const mounted = declarationOf(site)?.distribution === 'mount';
  const alike = new Map<string, NodeDeclaration[]>();
  for (const node of buildNodes(site)) {
    const key = `${node.mount}\n${node.profileFolders.join(',')}`;
    alike.set(key, [...(alike.get(key) ?? []), node]);
  }
  const all = [...alike.values()].map((nodes) =>
    startBuilders({
      homes: nodes.map(({ name, mount }) => ({
        name,
        path: join(nodesFolder, name),
        ...(mounted ? { profiles: `${mount}/${line}/nodes/${name}/profiles.json` } : {}),
      })),
      mount: nodes[0]?.mount ?? '',
      line,
      folders: nodes[0]?.profileFolders ?? [],
      maxWait: 400,
      maxBuildDuration: configuration.policy.retirement.maxBuildDuration,
    }),
  );
  return {
    count: () => together(all.map((one) => one.count())),
    stop: async () => together(await Promise.all(all.map((one) => one.stop()))),
  };
}

const together = (all: readonly BuildersEnd[]): BuildersEnd => ({
  builds: all.reduce((sum, one) => sum + one.builds, 0),
  checks: all.reduce((sum, one) => sum + one.checks, 0),
  late: all.reduce((sum, one) => sum + one.late, 0),
  failures: all.flatMap((one) => one.failures),
});
