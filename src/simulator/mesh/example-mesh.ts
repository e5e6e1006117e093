import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { loadConfiguration, type Configuration } from '../../configuration/load.js';
import type { LineName, NodeName, Sha256 } from '../../domain/brands.js';
import { identityHolders } from '../../domain/expected.js';
import type { Manifest } from '../../domain/manifest.js';
import type { LineDeclaration, NodeDeclaration } from '../../domain/topology.js';
import { assembleManifest } from '../../manifest/assemble.js';
import { freezeManifest } from '../../manifest/freeze.js';
import { pinRoots, verifyProfile } from '../../profile/index.js';
import type { StoreItem } from '../../../activities/manifest-store/contract.js';
import { GitManifestStore } from '../../../activities/manifest-store/git.js';
import { openAppleHierarchy, type AppleHierarchy, type DistributionCertificate } from '../apple-hierarchy.js';
import type { MacOptions } from '../mac/install.js';
import { appsFile, makeProfiles, wholeSecond } from './create.js';
import { writeExampleConfiguration } from './example-configuration.js';
import { appsOf, teamOf, type SimulatedTeam, type TopologyExample } from './examples.js';
import { meshFolders, writeYaml, type MeshFolders } from './files.js';
import { connectToSidecar, keepAtSidecar } from './sidecar.js';
import { installSigners, sealedTo } from './signers.js';
import type { SimulatedApp } from './spec.js';
import { mountVolume } from './volume.js';

const DAY = 86_400_000;
const BY = { by: 'reseal demo', ticket: 'DEMO-0' };

export interface ExampleRequest {
  /** Of the mesh to make. */
  readonly folder: string;
  readonly example: TopologyExample;
  /** Of the example's configuration. */
  readonly exampleFolder: string;
  readonly macs?: Pick<MacOptions, 'tool'>;
  readonly now?: number;
}

/** A line and the digest of its manifest in force. */
export interface SeedableLine {
  readonly line: LineName;
  readonly manifest: Sha256;
}

export interface ExampleMesh {
  readonly folders: MeshFolders;
  readonly lines: readonly SeedableLine[];
}

/**
 * Makes the mesh that an example's `topology.yaml` declares: nodes that may hold keys are Macs with keychains, signers of a sidecar's line Macs without keys, all others files alone; per line a first
 * manifest with six days left, successors in the drop folder, identities sealed in the store. No node is touched.
 */
export async function createExampleMesh(request: ExampleRequest): Promise<ExampleMesh> {
  const folders = meshFolders(request.folder);
  const declared = loadConfiguration(request.exampleFolder);
  const { nodes, lines } = declared.topology;
  for (const folder of [folders.config, folders.profiles]) await mkdir(folder, { recursive: true });
  for (const node of nodes) await mkdir(join(folders.nodes, node.name), { recursive: true });
  for (const source of Object.keys(declared.reseal.sources)) await mkdir(join(folders.root, 'sources', source), { recursive: true });

  for (const line of Object.values(lines)) await mountVolumes(folders, line, nodes);

  const apple = await openAppleHierarchy(folders.apple);
  const macs = nodes.filter((node) => node.keys === 'allowed').map((node) => node.name);
  for (const [name, line] of Object.entries(lines))
    if (line.sidecar !== undefined) {
      const served = nodes.filter((node) => node.lines.includes(name as LineName));
      await connectToSidecar(folders, line.sidecar.socket, served, apple, request.macs ?? {});
    }
  const deliveryKeys = await installSigners(folders, macs, apple, request.macs ?? {});
  const root = 'simulated-apple-root.pem';
  await writeFile(join(folders.root, root), apple.rootPem);
  await writeExampleConfiguration(folders, { folder: request.exampleFolder, deliveryKeys, extraRoots: [join('..', root)] });

  const mesh: Mesh = { folders, apple, declared, example: request.example, deliveryKeys, now: request.now ?? Date.now() };
  const made: SeedableLine[] = [];
  for (const line of Object.keys(lines) as LineName[]) made.push({ line, manifest: await makeLine(mesh, line) });
  return { folders, lines: made };
}

/** Every node of a published line has the publisher's folder where it mounts, and cannot write to it. */
export async function mountVolumes({ nodes: homes }: MeshFolders, line: LineDeclaration, nodes: readonly NodeDeclaration[]): Promise<void> {
  const publisher = nodes.find((node) => node.name === line.publisher);
  if (line.distribution !== 'mount' || publisher === undefined) return;
  const volume = join(homes, publisher.name, publisher.mount);
  for (const node of nodes) if (node !== publisher) await mountVolume({ home: join(homes, node.name), volume, mount: node.mount });
}

interface Mesh {
  readonly folders: MeshFolders;
  readonly apple: AppleHierarchy;
  readonly declared: Configuration;
  readonly example: TopologyExample;
  readonly deliveryKeys: Readonly<Record<string, string>>;
  readonly now: number;
}

/** Who signs with one certificate: all of a line, or with an identity per node one node. */
interface Owner {
  readonly name: string;
  readonly holder?: NodeName;
  /** Nodes whose keychain has the key. */
  readonly nodes: readonly NodeName[];
}

function ownersOf({ declared }: Mesh, name: LineName, line: LineDeclaration): readonly Owner[] {
  const nodes = identityHolders(declared.topology.nodes, name, line).map((node) => node.name);
  if (line.identity !== 'per-node') return [{ name, nodes }];
  return nodes.map((node) => ({ name: node, holder: node, nodes: [node] }));
}

/** @returns digest of the line's first manifest */
async function makeLine(mesh: Mesh, name: LineName): Promise<Sha256> {
  const line = mesh.declared.topology.lines[name];
  if (line === undefined) throw new Error(`the example declares no line ${name}`);
  const apps = appsOf(mesh.example, name, mesh.declared.topology.pipelines);
  const made: MadeOwner[] = [];
  for (const owner of ownersOf(mesh, name, line)) made.push(await makeOwner(mesh, name, line, owner, apps));

  const frozen = freezeManifest(joined(name, made));
  const store = await GitManifestStore.open({ path: join(mesh.folders.root, 'stores', `${line.store}.git`) });
  try {
    await store.create();
    await store.putMany([...made.flatMap(({ items }) => items), { kind: 'manifest', bytes: frozen.bytes }], BY);
    await store.advance(name, 0, frozen.sha256, BY);
  } finally {
    await store.close();
  }
  return frozen.sha256;
}

interface MadeOwner {
  readonly manifest: Manifest;
  readonly items: readonly StoreItem[];
}

/** Certificate, profiles in force and their successors. */
async function makeOwner(
  mesh: Mesh,
  name: LineName,
  line: LineDeclaration,
  owner: Owner,
  apps: readonly SimulatedApp[],
): Promise<MadeOwner> {
  const { folders, apple, example, now } = mesh;
  const team = teamOf(example, name);
  const certificate = await issue(mesh, team, 35);
  const next = example.newCertificates.includes(owner.name) ? await issue(mesh, team, 1) : certificate;
  if (line.sidecar !== undefined)
    await keepAtSidecar(folders, name, basename(line.sidecar.socket), { inForce: [certificate], next: [next] });
  const of = owner.holder === undefined ? '' : ` of ${owner.holder}`;
  const expiresAt = wholeSecond(now + 6 * DAY);
  const inForce = makeProfiles(apple, certificate, apps, {
    name: `in force${of}`,
    createdAt: wholeSecond(expiresAt.getTime() - 365 * DAY),
    expiresAt,
  });
  const successors = makeProfiles(apple, next, apps, {
    name: `next${of}`,
    createdAt: wholeSecond(now - DAY / 24),
    expiresAt: next.notAfter,
  });

  const below = owner.holder === undefined ? [] : [owner.holder];
  const profiles = join(folders.profiles, name, ...below);
  await writeYaml(join(profiles, 'apps.yaml'), 'What no profile tells: app, role and Xcode targets.', appsFile(apps, owner.holder));
  await writeProfiles(profiles, inForce);
  await writeProfiles(join(folders.root, 'sources', line.sources[0] ?? '', ...below), successors);

  const described = inForce.map(({ bytes }) => verifyProfile(bytes, { roots: pinRoots([apple.rootPem]) }).profile);
  const keys = Object.fromEntries(owner.nodes.flatMap((node) => Object.entries(mesh.deliveryKeys).filter(([key]) => key === node)));
  return {
    manifest: assembleManifest(name, described, appsFile(apps, owner.holder)),
    items: [
      ...(await sealedTo(keys, [...new Set([certificate, next])], line.successorOwner)),
      ...inForce.map(({ bytes }): StoreItem => ({ kind: 'profile', bytes, importedBy: line.successorOwner })),
    ],
  };
}

/** @param age in days; every one lives a year */
const issue = ({ apple, now }: Mesh, team: SimulatedTeam, age: number): Promise<DistributionCertificate> =>
  apple.issueCertificate({
    commonName: `Apple Distribution: ${team.name} (${team.id})`,
    team: team.id,
    notBefore: wholeSecond(now - age * DAY),
    notAfter: wholeSecond(now + (365 - age) * DAY),
  });

async function writeProfiles(folder: string, profiles: ReturnType<typeof makeProfiles>): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const { uuid, bytes } of profiles) await writeFile(join(folder, `${uuid}.mobileprovision`), bytes);
}

/** One manifest of the parts that belong to one owner each. */
const joined = (line: LineName, parts: readonly MadeOwner[]): Manifest => ({
  schemaVersion: 1,
  line,
  certificates: Object.assign({}, ...parts.map(({ manifest }) => manifest.certificates)) as Manifest['certificates'],
  profiles: parts.flatMap(({ manifest }) => manifest.profiles),
});
