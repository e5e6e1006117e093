import { join } from 'node:path';
import type { Apps } from '../../manifest/assemble.js';
import { KEYCHAIN_PASSWORD } from './signers.js';
import { writeYaml, type MeshFolders } from './files.js';
import { LINE, QUICK_POLICY, ROSTER, type SimulatedNode } from './spec.js';

export interface MeshConfiguration {
  readonly nodes: readonly SimulatedNode[];
  /** Which nodes may hold private keys. */
  readonly keys: 'signers' | 'forbidden';
  /** Public delivery keys of nodes that are Macs with keychains; none by default. */
  readonly deliveryKeys?: Readonly<Record<string, string>>;
  readonly pipelines: readonly { readonly name: string; readonly bundles: readonly string[] }[];
  /** PEM files, relative to the configuration folder. */
  readonly extraRoots: readonly string[];
  readonly apps: Apps;
  /** Overrides of the quick policy, a section at a time. */
  readonly policy: Readonly<Record<string, unknown>>;
}

/** How long the mounts of a simulated mesh may show what was there before: they show what is there. */
export const SIMULATED_CACHE_TIME = '100ms';

/** With a publisher among the nodes the line is published, else copied. */
function distributionOf(nodes: readonly SimulatedNode[]): object {
  const publisher = nodes.find((node) => node.roles.includes('publisher'));
  return publisher === undefined
    ? { distribution: 'copy' }
    : { distribution: 'mount', publisher: publisher.name, cacheTime: SIMULATED_CACHE_TIME };
}

/** The four files that a person would write, and `apps.yaml` beside the profiles. */
export async function writeConfiguration(folders: MeshFolders, mesh: MeshConfiguration): Promise<void> {
  const file = (name: string): string => join(folders.config, name);
  await writeYaml(file('topology.yaml'), 'A simulated mesh: every node is a folder on this machine.', {
    schemaVersion: 1,
    installation: 'acme-demo',
    lines: {
      [LINE]: {
        identity: 'signers',
        ...distributionOf(mesh.nodes),
        profilesOn: ['signer', 'compile'],
        store: 'main',
        sources: ['drop'],
        successorOwner: 'rita',
        ...(mesh.deliveryKeys === undefined ? {} : { keychains: { password: { file: `~/${KEYCHAIN_PASSWORD}` } } }),
      },
    },
    defaults: { environment: 'simulated', lines: [LINE], pool: 'main', keys: 'forbidden' },
    nodes: mesh.nodes.map((node) => ({
      name: node.name,
      region: node.region,
      image: node.image,
      roles: [...node.roles],
      ...(mesh.keys === 'signers' && node.roles.includes('signer') ? { keys: 'allowed' } : {}),
      ...(mesh.deliveryKeys?.[node.name] === undefined ? {} : { deliveryKey: mesh.deliveryKeys[node.name] }),
      reach: { kind: 'local', home: join('..', 'nodes', node.name) },
    })),
    pipelines: mesh.pipelines,
  });
  await writeYaml(file('policy.yaml'), 'Short waits, to be watched; a production policy leaves these out.', {
    ...QUICK_POLICY,
    ...mesh.policy,
  });
  await writeYaml(file('roster.yaml'), 'Who may do what.', ROSTER);
  await writeYaml(file('reseal.yaml'), 'Where everything is.', {
    schemaVersion: 1,
    stores: { main: { kind: 'git', url: '../store.git', branch: 'main' } },
    sources: { drop: { kind: 'drop', path: '../drop' } },
    trust: { extraRoots: mesh.extraRoots },
  });
  await writeYaml(join(folders.profiles, 'apps.yaml'), 'What no profile tells: app, role and Xcode targets of each bundle id.', mesh.apps);
}
