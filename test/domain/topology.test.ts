import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nodesOf, type LineSituation } from '../../activities/rotation/surroundings.js';
import type { LineName } from '../../src/domain/brands.js';
import { expectedEntries } from '../../src/domain/expected.js';
import type { Manifest } from '../../src/domain/manifest.js';
import type { LineDeclaration, NodeDeclaration, NodeRole, Topology } from '../../src/domain/topology.js';
import { canonicalJson } from '../../src/manifest/canonical-json.js';
import { TopologySchema } from '../../src/schema/topology.js';
import { manifests } from './manifest-arbitrary.js';
import { mixed } from './mixed.js';

const ROLES: readonly NodeRole[] = ['signer', 'compile', 'publisher'];
const NEEDED: readonly string[] = ['region', 'image', 'lines'];

/** What a node and `defaults` may both say; and what holds where neither does (config.md). */
const FIELDS = {
  region: fc.constantFrom('eu-west', 'us-east'),
  environment: fc.constantFrom('production', 'staging', 'simulated'),
  lines: fc.subarray(['ios-main', 'mac-main']),
  pool: fc.constantFrom('main', 'qa', 'release'),
  roles: fc.subarray([...ROLES]),
  keys: fc.constantFrom('allowed', 'forbidden'),
  image: fc.constantFrom('tahoe-26.1-b4', 'tahoe-26.1-sign-b2'),
  profileFolders: fc.subarray(['xcode16', 'legacy'], { minLength: 1 }),
  mount: fc.constantFrom('/opt/reseal/mount', '~/reseal/mount'),
  state: fc.constantFrom('/opt/reseal/state', '~/reseal/state'),
  hardware: fc.constantFrom('mac-studio', 'macbook-pro'),
  reach: fc.constantFrom(
    { kind: 'agent' },
    { kind: 'ssh', host: '10.1.0.13', port: 2222, user: 'reseal' },
    { kind: 'local', home: '../n' },
  ),
};
const FALLBACK: Readonly<Record<string, unknown>> = {
  environment: 'production',
  pool: 'main',
  roles: ['compile'],
  keys: 'forbidden',
  profileFolders: ['xcode16', 'legacy'],
  mount: '/usr/local/var/reseal/mount',
  state: '/usr/local/var/reseal/state',
  hardware: 'mac-mini',
  reach: { kind: 'agent' },
};

type Part = Readonly<Record<string, unknown>>;
interface File {
  readonly defaults: Part;
  readonly nodes: readonly (Part & { readonly name: string })[];
}
const NAMES = ['ams-build-1', 'ams-build-2', 'ams-sign-1', 'iad-build-1', 'bom-build-1'];
const partOf = (requiredKeys: (keyof typeof FIELDS)[]) => fc.record(FIELDS, { requiredKeys, noNullPrototype: true });
const filesWith = (needed: (keyof typeof FIELDS)[]): fc.Arbitrary<File> =>
  fc
    .tuple(partOf(needed), fc.array(partOf([]), { minLength: 1, maxLength: NAMES.length }))
    .map(([defaults, nodes]) => ({ defaults, nodes: nodes.map((node, index) => ({ ...node, name: NAMES[index] ?? '' })) }));
/** Files that hold, for `defaults` say what every node needs; and any files. */
const whole = filesWith(['region', 'image', 'lines']);
const any = filesWith([]);

const LINE = { identity: 'signers', distribution: 'copy', profilesOn: ['signer'], store: 'main', successorOwner: 'alice' };
const documentOf = ({ defaults, nodes }: File): object => ({
  schemaVersion: 1,
  installation: 'acme-test',
  lines: { 'ios-main': LINE, 'mac-main': LINE },
  defaults,
  nodes,
});
const read = (file: File): Topology => TopologySchema.parse(documentOf(file));
const valueOf = (file: File, index: number, name: string): unknown => file.nodes[index]?.[name] ?? file.defaults[name] ?? FALLBACK[name];

describe('a topology file', () => {
  it('gives a node what it says itself, else what defaults say, else what holds without them', () => {
    fc.assert(
      fc.property(whole, (file) => {
        const { nodes } = read(file);
        expect(nodes).toHaveLength(file.nodes.length);
        nodes.forEach((node, index) => {
          const expected = Object.keys(FIELDS).map((name) => [name, valueOf(file, index, name)]);
          expect(node).toEqual({ name: file.nodes[index]?.name, ...Object.fromEntries(expected) });
        });
      }),
    );
  });

  it('is refused exactly for the nodes and fields that nobody says and nobody could guess, all at once', () => {
    fc.assert(
      fc.property(any, (file) => {
        const { error } = TopologySchema.safeParse(documentOf(file));
        const missing = file.nodes.flatMap((_, index) =>
          NEEDED.filter((name) => valueOf(file, index, name) === undefined).map((name) => `nodes.${index}.${name}`),
        );
        expect((error?.issues ?? []).map((issue) => issue.path.join('.')).sort()).toEqual(missing.sort());
      }),
    );
  });

  it('written out node by node, without defaults, is the same topology', () => {
    fc.assert(
      fc.property(whole, (file) => {
        const topology = read(file);
        const out = read({ defaults: {}, nodes: topology.nodes as unknown as File['nodes'] });
        expect(out).toEqual(topology);
        expect(JSON.parse(canonicalJson(topology))).toEqual(topology);
      }),
    );
  });

  it('keeps the order of nodes, and a node is the same wherever it stands and whatever stands beside it', () => {
    fc.assert(
      fc.property(whole, fc.infiniteStream(fc.nat()), (file, random) => {
        const nodes = mixed(file.nodes, random);
        const moved = read({ ...file, nodes }).nodes;
        expect(moved.map((node) => node.name)).toEqual(nodes.map((node) => node.name));
        const before = new Map(read(file).nodes.map((node) => [node.name, node]));
        for (const node of moved) {
          expect(node).toEqual(before.get(node.name));
          expect(read({ ...file, nodes: nodes.filter((one) => one.name === node.name) }).nodes).toEqual([node]);
        }
      }),
    );
  });
});

const nodeSets: fc.Arbitrary<readonly NodeDeclaration[]> = whole.map((file) => read(file).nodes);
const profilesOn = fc.subarray([...ROLES]);
const lineFor = (roles: readonly NodeRole[]): LineDeclaration => ({ ...LINE, profilesOn: roles }) as unknown as LineDeclaration;
const chosen = (nodes: readonly NodeDeclaration[], roles: readonly NodeRole[], manifest: Manifest): readonly NodeDeclaration[] =>
  nodesOf({ configuration: { topology: { nodes } }, declaration: lineFor(roles) } as unknown as LineSituation, manifest);
const ofLine = (node: NodeDeclaration): boolean => node.lines.includes('ios-main' as LineName);
const without = (manifest: Manifest, holders: 'named' | 'nobody'): Manifest => ({
  ...manifest,
  profiles: manifest.profiles.filter((entry) => (entry.holder === undefined) === (holders === 'named')),
});

describe('the nodes that a rotation of a line concerns (R2)', () => {
  it('are a part of the declared ones, each once and in their order: those with something expected, and no other', () => {
    fc.assert(
      fc.property(nodeSets, profilesOn, manifests, (nodes, roles, manifest) => {
        const concerned = chosen(nodes, roles, manifest);
        const rest = nodes.filter((node) => !concerned.includes(node));
        expect(nodes.filter((node) => concerned.includes(node))).toEqual(concerned);
        expect(concerned.length + rest.length).toBe(nodes.length);
        for (const node of concerned) expect(ofLine(node)).toBe(true);
        for (const node of rest) expect(expectedEntries(node, lineFor(roles), manifest)).toEqual([]);
      }),
    );
  });

  it('are the same in any order of declaration', () => {
    fc.assert(
      fc.property(nodeSets, profilesOn, manifests, fc.infiniteStream(fc.nat()), (nodes, roles, manifest, random) => {
        const names = (all: readonly NodeDeclaration[]): readonly string[] =>
          chosen(all, roles, manifest)
            .map((node) => node.name)
            .sort();
        expect(names(mixed(nodes, random))).toEqual(names(nodes));
      }),
    );
  });

  it('lose no role: those of several roles are those of each role together', () => {
    fc.assert(
      fc.property(nodeSets, profilesOn, manifests, (nodes, roles, manifest) => {
        const shared = without(manifest, 'named');
        const each = roles.flatMap((role) => chosen(nodes, [role], shared));
        expect(new Set(chosen(nodes, roles, shared))).toEqual(new Set(each));
        for (const role of roles) {
          const holders = nodes.filter((node) => ofLine(node) && node.roles.includes(role));
          if (shared.profiles.length > 0) for (const node of holders) expect(chosen(nodes, roles, shared)).toContain(node);
        }
      }),
    );
  });

  it('whose entry has a holder are that one alone, whatever its roles, and whatever the line wants them on', () => {
    fc.assert(
      fc.property(nodeSets, profilesOn, manifests, (nodes, roles, manifest) => {
        const own = without(manifest, 'nobody');
        const holders = new Set<string | undefined>(own.profiles.map((entry) => entry.holder));
        expect(chosen(nodes, roles, own)).toEqual(nodes.filter((node) => ofLine(node) && holders.has(node.name)));
        for (const entry of own.profiles) {
          const having = nodes.filter((node) => expectedEntries(node, lineFor(roles), own).includes(entry));
          expect(having).toEqual(nodes.filter((node) => ofLine(node) && node.name === entry.holder));
        }
      }),
    );
  });
});
