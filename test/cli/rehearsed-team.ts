import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { createMesh } from '../../src/simulator/mesh/create.js';
import { simulatedNodes } from '../../src/simulator/mesh/spec.js';
import { temporaryFolder } from '../setup/temporary-folder.js';

const DAY = 86_400_000;

/** A team's folder: configuration, store with the manifest in force, an empty drop folder, and nodes that nobody ever touched. */
export interface RehearsedTeam {
  readonly folder: string;
  readonly config: string;
  /** Of every file that is the team's own. */
  digest(): string;
  /** Changes one of the four files. */
  change(name: string, how: (document: Record<string, unknown>) => void): void;
  remove(): void;
}

interface TopologyText {
  defaults: Record<string, unknown>;
  nodes: Record<string, unknown>[];
}

/** @param expiresIn days until what is in force expires */
export async function rehearsedTeam(nodes: number, expiresIn: number): Promise<RehearsedTeam> {
  const folder = temporaryFolder('reseal-team');
  const { folders } = await createMesh({ folder, nodes: simulatedNodes(nodes), successors: false, expiresIn: expiresIn * DAY });
  const change: RehearsedTeam['change'] = (name, how) => {
    const path = join(folders.config, name);
    const document = parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
    how(document);
    writeFileSync(path, stringify(document));
  };
  // As a team's own: served by agents, with a mount of its own, and the policy that nobody has shortened.
  change('topology.yaml', (document) => {
    const topology = document as unknown as TopologyText;
    topology.defaults['mount'] = '/opt/reseal/mount';
    topology.defaults['state'] = '/opt/reseal/state';
    for (const node of topology.nodes) node['reach'] = { kind: 'agent' };
  });
  writeFileSync(join(folders.config, 'policy.yaml'), stringify({ schemaVersion: 1, scan: { ticket: 'CHG-1' } }));
  return {
    folder,
    config: folders.config,
    digest: () => digestOf(folder),
    change,
    remove: () => { rmSync(folder, { recursive: true, force: true }); }, // prettier-ignore
  };
}

function digestOf(folder: string): string {
  const hash = createHash('sha256');
  const add = (path: string): void => {
    for (const name of readdirSync(path).sort()) {
      const below = join(path, name);
      const stat = statSync(below);
      hash.update(`${below} ${stat.mtimeMs}\n`);
      if (stat.isDirectory()) add(below);
      else hash.update(readFileSync(below));
    }
  };
  add(folder);
  return hash.digest('hex');
}
