import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { Configuration } from '../../configuration/load.js';
import type { LineName, NodeName } from '../../domain/brands.js';
import { compactDuration } from '../../domain/duration.js';
import { compressWaits } from '../../domain/rehearsal/compress.js';
import { SIMULATED_CACHE_TIME } from '../mesh/configuration.js';
import { writeYaml, type MeshFolders } from '../mesh/files.js';
import { KEYCHAIN_PASSWORD } from '../mesh/signers.js';

/** The names that a rehearsal's own files have for their store, their source and their installation. */
export const REHEARSAL = { store: 'main', source: 'drop', installation: 'rehearsal' } as const;

type Mapping = Readonly<Record<string, unknown>>;

interface TopologyText extends Mapping {
  readonly lines: Readonly<Record<string, Mapping>>;
  readonly defaults?: Mapping;
  readonly nodes: readonly (Mapping & { readonly name: string })[];
}

interface RosterText extends Mapping {
  readonly persons: readonly Mapping[];
  readonly roles: Mapping;
}

export interface RehearsalConfiguration {
  readonly team: Configuration;
  readonly line: LineName;
  /** The nodes that take part. */
  readonly nodes: readonly NodeName[];
  /** By how much waits are divided. */
  readonly factor: number;
  /** Public delivery keys of its Macs with keychains. */
  readonly deliveryKeys: Readonly<Record<string, string>>;
  /** PEM of what the mesh trusts besides Apple, relative to the configuration folder. */
  readonly extraRoots: readonly string[];
  /** Persons who approve beside those of the roster. */
  readonly standIns: readonly string[];
}

/**
 * The team's own files with one line alone, every node a folder on this machine, a store and a drop folder of the rehearsal's own, and waits compressed.
 * Names, roles, regions, images, pools, cohorts, keys and persons stay as they are. Keychains are open at all times: their windows are of another day.
 */
export async function writeRehearsalConfiguration(folders: MeshFolders, rehearsal: RehearsalConfiguration): Promise<void> {
  const { paths, policy } = rehearsal.team;
  const read = async (path: string): Promise<unknown> => parse(await readFile(path, 'utf8')) as unknown;
  const file = (name: string): string => join(folders.config, name);
  const topology = simulated((await read(paths.topology)) as TopologyText, rehearsal);
  await writeYaml(file('topology.yaml'), 'The nodes of one line, each a folder on this machine.', topology);
  const waits = Object.entries(compressWaits(policy, rehearsal.factor)).map(([section, of]) => [section, mapValues(of as Record<string, number>, compactDuration)] as const); // prettier-ignore
  const written = (await read(paths.policy)) as Mapping;
  const compressed = Object.fromEntries(waits.map(([section, of]) => [section, { ...(written[section] as Mapping | undefined), ...of }]));
  const gate = { ...(compressed['gate'] as Mapping), calendar: 'none' };
  await writeYaml(file('policy.yaml'), 'Waits are compressed, and no calendar stops the gate.', { ...written, ...compressed, gate });
  const roster = (await read(paths.roster)) as RosterText;
  await writeYaml(file('roster.yaml'), 'The team, and who stands in where too few may approve.', withStandIns(roster, rehearsal.standIns));
  await writeYaml(file('reseal.yaml'), 'Everything of this rehearsal lies beside this folder.', {
    schemaVersion: 1,
    stores: { [REHEARSAL.store]: { kind: 'git', url: '../store.git', branch: 'main' } },
    sources: { [REHEARSAL.source]: { kind: 'drop', path: '../drop' } },
    trust: { extraRoots: rehearsal.extraRoots },
  });
  await writeFile(file('README'), 'A rehearsal of reseal; it is removed when it ends.\n');
}

const withStandIns = (roster: RosterText, standIns: readonly string[]): Mapping =>
  standIns.length === 0
    ? roster
    : {
        ...roster,
        persons: [...roster.persons, ...standIns.map((id) => ({ id, name: 'Stand-in', roles: ['rehearsal-approvers'], keys: [] }))],
        roles: { ...roster.roles, 'rehearsal-approvers': ['approve', 'reject', 'withdraw'] },
      };

function simulated(topology: TopologyText, { line, nodes, deliveryKeys }: RehearsalConfiguration): Mapping {
  const { defaults, lines } = topology;
  const own = without(defaults ?? {}, 'reach', 'deliveryKey');
  return {
    ...topology,
    installation: REHEARSAL.installation,
    lines: { [line]: simulatedLine(lines[line] ?? {}) },
    defaults: { ...own, environment: 'simulated', lines: [line] },
    nodes: topology.nodes
      .filter(({ name }) => (nodes as readonly string[]).includes(name))
      .map((node) => {
        const key = deliveryKeys[node.name];
        const declared = without(node, 'environment', 'lines', 'reach', 'deliveryKey');
        const home = join('..', 'nodes', node.name);
        return { ...declared, ...(key === undefined ? {} : { deliveryKey: key }), reach: { kind: 'local', home } };
      }),
  };
}

function simulatedLine(line: Mapping): Mapping {
  const keychains = without((line['keychains'] as Mapping | undefined) ?? {}, 'unlockWindows');
  return {
    ...line,
    store: REHEARSAL.store,
    sources: [REHEARSAL.source],
    ...(line['distribution'] === 'mount' ? { cacheTime: SIMULATED_CACHE_TIME } : {}),
    ...(line['identity'] === 'sidecar' ? {} : { keychains: { ...keychains, password: { file: `~/${KEYCHAIN_PASSWORD}` } } }),
  };
}

const without = <T extends Mapping>(record: T, ...names: readonly string[]): Mapping =>
  Object.fromEntries(Object.entries(record).filter(([name]) => !names.includes(name)));
const mapValues = <V, W>(record: Readonly<Record<string, V>>, change: (value: V) => W): Readonly<Record<string, W>> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]));
