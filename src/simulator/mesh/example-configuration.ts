import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { KEYCHAIN_PASSWORD } from './signers.js';
import { writeYaml, type MeshFolders } from './files.js';
import { QUICK_POLICY } from './spec.js';

type Mapping = Readonly<Record<string, unknown>>;

interface TopologyText extends Mapping {
  readonly lines: Readonly<Record<string, Mapping>>;
  readonly defaults?: Mapping;
  readonly nodes: readonly (Mapping & { readonly name: string })[];
}

interface ResealText extends Mapping {
  readonly stores: Readonly<Record<string, Mapping>>;
  readonly sources: Readonly<Record<string, Mapping>>;
}

/** Two signers take turns, and what `security` does on a simulated Mac takes a process each. */
const EXAMPLE_COHORTS = { ...QUICK_POLICY.cohorts, maxUnavailable: 1, stallTimeout: '30s' };

export interface ExampleConfiguration {
  /** Of the example. */
  readonly folder: string;
  /** Public delivery keys of its Macs with keychains. */
  readonly deliveryKeys: Readonly<Record<string, string>>;
  /** PEM of what the mesh trusts besides Apple, relative to the configuration folder. */
  readonly extraRoots: readonly string[];
}

/**
 * The example's own files, with every node simulated on this machine, stores and drop folders below the mesh's, and waits that are short enough to watch.
 * What the example declares of lines, nodes, pools, roles, keys and persons stays as it is.
 */
export async function writeExampleConfiguration(folders: MeshFolders, example: ExampleConfiguration): Promise<void> {
  const read = async (name: string): Promise<unknown> => parse(await readFile(join(example.folder, name), 'utf8')) as unknown;
  const file = (name: string): string => join(folders.config, name);
  const from = `From ${join('examples', 'topologies', example.folder.split('/').at(-1) ?? '')}`;
  const topology = (await read('topology.yaml')) as TopologyText;
  await writeYaml(file('topology.yaml'), `${from}, every node a folder on this machine.`, simulated(topology, example.deliveryKeys));
  const { audience: _, ...quick } = QUICK_POLICY;
  const policy = (await read('policy.yaml')) as Mapping;
  await writeYaml(file('policy.yaml'), `${from}, with waits that are short enough to watch.`, {
    ...quick,
    cohorts: EXAMPLE_COHORTS,
    ...policy,
    scan: { ...quick.scan, ...(policy['scan'] as Mapping) },
  });
  await mkdir(folders.config, { recursive: true });
  await writeFile(file('roster.yaml'), await readFile(join(example.folder, 'roster.yaml')));
  const reseal = (await read('reseal.yaml')) as ResealText;
  await writeYaml(file('reseal.yaml'), `${from}, with stores and drop folders below this demo's home.`, {
    ...reseal,
    stores: mapValues(reseal.stores, (store, name) => ({ ...store, url: `../stores/${name}.git` })),
    sources: mapValues(reseal.sources, (source, name) => ({ ...source, path: `../sources/${name}` })),
    trust: { extraRoots: example.extraRoots },
  });
}

function simulated(topology: TopologyText, deliveryKeys: Readonly<Record<string, string>>): Mapping {
  return {
    ...topology,
    installation: 'acme-demo',
    lines: mapValues(topology.lines, (line) =>
      line['identity'] === 'sidecar'
        ? line
        : {
            ...line,
            ...watchable(line),
            keychains: { ...(line['keychains'] as Mapping | undefined), password: { file: `~/${KEYCHAIN_PASSWORD}` } },
          },
    ),
    defaults: { ...topology.defaults, environment: 'simulated' },
    nodes: topology.nodes.map((node) => {
      const key = deliveryKeys[node.name];
      const home = join('..', 'nodes', node.name);
      return { ...node, ...(key === undefined ? {} : { deliveryKey: key }), reach: { kind: 'local', home } };
    }),
  };
}

/** A mount of the simulation shows at once what is written; a minute's cache would be waited for, pass by pass. */
const watchable = (line: Mapping): Mapping => (line['distribution'] === 'mount' ? { cacheTime: '1s' } : {});

const mapValues = <V, W>(record: Readonly<Record<string, V>>, change: (value: V, name: string) => W): Readonly<Record<string, W>> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value, name)]));
