import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LineName, NodeName, Sha1, Sha256, TeamId, Uuid } from '../../../src/domain/brands.js';
import { impactOf, type ImpactFacts, type NodeTruth } from '../../../src/domain/impact/impact.js';
import type { Manifest, ManifestEntry } from '../../../src/domain/manifest.js';
import type { Pin } from '../../../src/domain/node/pins.js';
import type { LineDeclaration, NodeDeclaration, Topology } from '../../../src/domain/topology.js';

const LINE = 'ios-main' as LineName;
const sha256 = (digit: string): Sha256 => digit.repeat(64) as Sha256;
const [OLD, NEW] = ['1'.repeat(40) as Sha1, '2'.repeat(40) as Sha1];
const uuid = (number: number): Uuid => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}` as Uuid;

const entry = (bundleId: string, number: number, identity: Sha1, more: Partial<ManifestEntry> = {}): ManifestEntry => ({
  app: 'courier',
  role: bundleId.endsWith('.notify') ? 'extension' : 'host',
  team: '9QK4T7XW2B' as TeamId,
  bundleId,
  method: 'app-store',
  targets: [bundleId],
  identity,
  profile: {
    uuid: uuid(number),
    fileName: `${uuid(number)}.mobileprovision`,
    sha256: sha256('a'),
    name: bundleId,
    appId: `9QK4T7XW2B.${bundleId}`,
    platforms: ['iOS'],
    certificates: [identity],
    createdAt: '2026-01-01T00:00:00Z',
    expiresAt: '2027-01-01T00:00:00Z',
  },
  ...more,
});
const manifest = (profiles: readonly ManifestEntry[]): Manifest => ({ schemaVersion: 1, line: LINE, certificates: {}, profiles });

const FROM = sha256('f');
const TO = sha256('e');
const MANIFESTS = new Map([
  [FROM, manifest([entry('com.acme.courier', 1, OLD), entry('com.acme.courier.notify', 2, OLD)])],
  [TO, manifest([entry('com.acme.courier', 3, NEW), entry('com.acme.courier.notify', 4, NEW)])],
]);

const declared = (name: string, more: Partial<NodeDeclaration> = {}): NodeDeclaration =>
  ({
    name: name as NodeName,
    region: 'eu-west',
    lines: [LINE],
    roles: ['compile'],
    keys: 'forbidden',
    profileFolders: ['xcode16'],
    ...more,
  }) as NodeDeclaration;
const topology = (nodes: readonly NodeDeclaration[], line: Partial<LineDeclaration> = {}): Topology =>
  ({
    schemaVersion: 1,
    installation: 'test',
    lines: { [LINE]: { identity: 'signers', distribution: 'copy', profilesOn: ['signer', 'compile'], ...line } },
    nodes,
    pipelines: [
      { name: 'courier-release', bundles: ['com.acme.courier', 'com.acme.courier.notify'], keys: [] },
      { name: 'depot-release', bundles: ['com.acme.depot'], keys: [] },
    ],
  }) as unknown as Topology;
const truth = (node: string, active: Sha256, accepted: readonly Sha256[] = [active], held: readonly Pin[] = []): NodeTruth => ({
  node: node as NodeName,
  line: LINE,
  active,
  accepted,
  pins: { pipelines: [], held },
  seenAt: 1,
});
const pin = (job: string, held: Sha256, bundles: readonly string[]): Pin => ({
  job,
  pipeline: 'nightly',
  bundles,
  manifest: held,
  at: 0,
  expires: 10,
});

const NODES = [declared('sign-1', { roles: ['signer'], keys: 'allowed' }), declared('build-1'), declared('build-2'), declared('build-3')];
const facts = (more: Partial<ImpactFacts> = {}): ImpactFacts => ({
  topology: topology(NODES),
  heads: new Map([[LINE, TO]]),
  manifests: MANIFESTS,
  nodes: [truth('sign-1', TO), truth('build-1', TO, [FROM, TO], [pin('job-7', FROM, ['com.acme.courier'])]), truth('build-2', FROM)],
  handoffs: [{ line: LINE, manifest: FROM, pipeline: 'export', job: 'job-6', bundles: ['com.acme.courier'] }],
  ...more,
});

describe('what a certificate takes with it (S9)', () => {
  it('in mid-rotation: who serves it, who still accepts it, builds that hold it, and what was handed on', () => {
    const impact = impactOf({ kind: 'certificate', sha1: OLD }, facts());
    expect(impact.targets.map(({ bundleId, how, inForce }) => [bundleId, how, inForce])).toEqual([
      ['com.acme.courier', 'signs', false],
      ['com.acme.courier.notify', 'signs', false],
    ]);
    expect(impact.nodes.map(({ node, why, builds }) => [node, why, builds])).toEqual([
      ['build-1', 'accepted', 1],
      ['build-2', 'active', 0],
    ]);
    expect(impact.pipelines).toEqual([
      { name: 'courier-release', bundles: ['com.acme.courier', 'com.acme.courier.notify'], known: ['declared'], builds: 0 },
      { name: 'nightly', bundles: ['com.acme.courier'], known: ['pinned'], builds: 1 },
      { name: 'export', bundles: ['com.acme.courier'], known: ['handoff'], builds: 1 },
    ]);
  });

  it('tells who may hold its key, and of nodes that never said anything what they ought to have', () => {
    const impact = impactOf({ kind: 'certificate', sha1: NEW }, facts());
    expect(impact.nodes.map(({ node, why, holdsKey, seenAt }) => [node, why, holdsKey, seenAt])).toEqual([
      ['sign-1', 'active', true, 1],
      ['build-1', 'active', false, 1],
      ['build-3', 'expected', false, null],
    ]);
    expect(impact.targets.every((target) => target.inForce)).toBe(true);
  });

  it('tells a profile that merely names it from one that builds sign by', () => {
    const both = entry('com.acme.courier', 5, NEW);
    const embeds = { ...both, profile: { ...both.profile, certificates: [OLD, NEW] } };
    const one = impactOf({ kind: 'certificate', sha1: OLD }, facts({ manifests: new Map([[TO, manifest([embeds])]]) }));
    expect(one.targets).toMatchObject([{ how: 'embeds', inForce: true }]);
  });

  it('of a certificate that nothing names: nothing', () => {
    expect(impactOf({ kind: 'certificate', sha1: '9'.repeat(40) as Sha1 }, facts())).toEqual({ targets: [], nodes: [], pipelines: [] });
  });
});

it('a profile takes its own target with it, and no other', () => {
  const impact = impactOf({ kind: 'profile', uuid: uuid(4) }, facts());
  expect(impact.targets.map((target) => target.bundleId)).toEqual(['com.acme.courier.notify']);
  expect(impact.pipelines).toMatchObject([{ name: 'courier-release', bundles: ['com.acme.courier.notify'], known: ['declared'] }]);
});

it('a node takes with it what it serves, and the builds that run on it; what was handed on has left it', () => {
  const impact = impactOf({ kind: 'node', node: 'build-1' as NodeName }, facts());
  expect(impact.nodes.map(({ node, builds }) => [node, builds])).toEqual([['build-1', 1]]);
  expect(impact.pipelines.map(({ name, builds }) => [name, builds])).toEqual([
    ['courier-release', 0],
    ['nightly', 1],
  ]);
});

it('with an identity per node, only its holder is affected', () => {
  const held = new Map([
    [
      TO,
      manifest([
        entry('com.acme.courier', 1, OLD, { holder: 'build-1' as NodeName }),
        entry('com.acme.courier', 2, NEW, { holder: 'build-2' as NodeName }),
      ]),
    ],
  ]);
  const impact = impactOf(
    { kind: 'certificate', sha1: OLD },
    facts({ manifests: held, nodes: [], topology: topology(NODES, { identity: 'per-node' }) }),
  );
  expect(impact.nodes.map((node) => node.node)).toEqual(['build-1']);
});

it('no node is affected by what no manifest of it names, whatever the mesh is', () => {
  const nodes = fc.array(fc.record({ active: fc.constantFrom(FROM, TO), accepts: fc.subarray([FROM, TO]) }), { maxLength: 12 });
  fc.assert(
    fc.property(nodes, fc.constantFrom(OLD, NEW), (list, sha1) => {
      const names = list.map((_, index) => `node-${index}`);
      const impact = impactOf(
        { kind: 'certificate', sha1 },
        facts({
          topology: topology(names.map((name) => declared(name))),
          nodes: list.map(({ active, accepts }, index) => truth(`node-${index}`, active, accepts)),
        }),
      );
      const named = sha1 === OLD ? FROM : TO;
      const expected = list.flatMap(({ active, accepts }, index) => (active === named || accepts.includes(named) ? [`node-${index}`] : []));
      expect(impact.nodes.map((node) => node.node)).toEqual(expected);
    }),
  );
});
