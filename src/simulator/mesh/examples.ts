import type { LineName } from '../../domain/brands.js';
import { TEAM, type SimulatedApp } from './spec.js';

/** Who owns the apps of a line, as Apple knows them. */
export interface SimulatedTeam {
  readonly id: string;
  readonly name: string;
}

/** What a folder of `examples/topologies/` does not say, and a rotation of it needs. */
export interface TopologyExample {
  /** Of the folder. */
  readonly name: string;
  /** What is special about it, for who looks on; lines that fit a terminal. */
  readonly says: readonly string[];
  /**
   * Whose certificate is followed by a new one: a line, or with an identity per node a node. Everybody else's successors are signed with what they have,
   * so that no team ever has more than the three certificates that Apple permits.
   */
  readonly newCertificates: readonly string[];
  /** Names of the pipelines that build a line's apps; a line that is not named has all of them. */
  readonly pipelines?: Readonly<Record<string, readonly string[]>>;
  /** Of lines that are not Acme's own. */
  readonly teams?: Readonly<Record<string, SimulatedTeam>>;
}

const ACME: SimulatedTeam = { id: TEAM, name: 'Acme GmbH' };

export const TOPOLOGY_EXAMPLES: readonly TopologyExample[] = [
  {
    name: 'dedicated-signer',
    says: [
      'Two Macs sign, all others only compile: profiles and the key are on the signers and nowhere else.',
      'A new certificate follows the old one.',
    ],
    newCertificates: ['ios-main'],
  },
  {
    name: 'per-runner-identity',
    says: [
      'Each runner has a certificate and profiles of its own. Apple permits three certificates, and two are in use:',
      "one runner's is replaced now, the other one gets new profiles.",
    ],
    newCertificates: ['ams-run-1'],
  },
  {
    name: 'controlled-distribution',
    says: [
      'A publisher writes profiles to a volume that all nodes mount; the key is on the signers.',
      'A new certificate follows the old one.',
    ],
    newCertificates: ['ios-main'],
  },
  {
    name: 'hsm-sidecar',
    says: [
      'No node holds a key: a signing sidecar does, and signs what nodes bring. They know it by an alias.',
      'The alias of a new certificate is added there first; then the new manifest binds builds to it.',
    ],
    newCertificates: ['ios-main'],
  },
  {
    name: 'isolated-pools',
    says: [
      'Two projects, each with Macs, line, store, drop folder and team of its own.',
      'Each line rotates by itself: one to a new certificate, the other to new profiles.',
    ],
    newCertificates: ['courier-apps'],
    pipelines: { 'courier-apps': ['courier-release'], 'depot-apps': ['depot-release'] },
    teams: { 'depot-apps': { id: 'D3P0T55K8Q', name: 'Depot AG' } },
  },
];

export const teamOf = (example: TopologyExample, line: LineName): SimulatedTeam => example.teams?.[line] ?? ACME;

const capital = (word: string): string => `${word.slice(0, 1).toUpperCase()}${word.slice(1)}`;

/** The apps that a line's pipelines build: of each the first bundle is the host, the others are its extensions. */
export function appsOf(
  example: TopologyExample,
  line: LineName,
  pipelines: readonly { readonly name: string; readonly bundles: readonly string[] }[],
): readonly SimulatedApp[] {
  const named = example.pipelines?.[line];
  return pipelines
    .filter(({ name }) => named?.includes(name) ?? true)
    .map(({ name, bundles }) => {
      const app = name.replace(/-release$/, '');
      return {
        name: app,
        bundles: bundles.map((bundleId, index) => ({
          bundleId,
          role: index === 0 ? 'host' : 'extension',
          target: `${capital(app)}${index === 0 ? '' : capital(bundleId.split('.').at(-1) ?? '')}`,
        })),
      };
    });
}
