import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Configuration } from '../../configuration/load.js';
import type { Instant, LineName, NodeName, Sha1, Sha256 } from '../../domain/brands.js';
import { heldIdentities } from '../../domain/expected.js';
import type { Manifest } from '../../domain/manifest.js';
import type { ProfileDescription } from '../../domain/profile.js';
import type { NodeDeclaration } from '../../domain/topology.js';
import { freezeManifest } from '../../manifest/freeze.js';
import type { StoreItem } from '../../../activities/manifest-store/contract.js';
import { GitManifestStore } from '../../../activities/manifest-store/git.js';
import { openAppleHierarchy, type DistributionCertificate } from '../apple-hierarchy.js';
import type { MacOptions } from '../mac/install.js';
import { mountVolumes } from '../mesh/example-mesh.js';
import { meshFolders, type MeshFolders } from '../mesh/files.js';
import { connectToSidecar, keepAtSidecar } from '../mesh/sidecar.js';
import { installSigners, sealedTo } from '../mesh/signers.js';
import { writeRehearsalConfiguration } from './configuration.js';
import { nextEdition, remakeInForce, type DropFile, type Remade } from './remake.js';

const BY = { by: 'reseal rehearsal', ticket: 'REHEARSAL-0' };

export interface RehearsalMeshRequest {
  /** An empty folder that belongs to the rehearsal. */
  readonly folder: string;
  readonly team: Configuration;
  readonly line: LineName;
  readonly from: Manifest;
  /** What the profiles in force say themselves, by digest, as far as their bytes could be read. */
  readonly known: ReadonlyMap<Sha256, ProfileDescription>;
  readonly at: Instant;
  readonly now: Instant;
  /** By how much waits are divided. */
  readonly factor: number;
  readonly standIns: readonly string[];
  readonly macs?: Pick<MacOptions, 'tool'>;
}

export interface RehearsalMesh {
  readonly folders: MeshFolders;
  /** Digest of the manifest in force, as it was remade. */
  readonly manifest: Sha256;
  /** The nodes that stand for those of the line, and the line's publisher. */
  readonly nodes: readonly NodeDeclaration[];
  /** Whether new certificates come with the successors. */
  readonly newCertificates: number;
  /** Puts another set of successors into the drop folder, in place of those that lie there. */
  offer(name: string): Promise<void>;
}

/**
 * A mesh that stands for a team's own, node for node: nodes that may hold keys are Macs with keychains, all others files alone. Its configuration, its store with
 * the manifest in force, and successors lie below the folder. No node is touched.
 */
export async function createRehearsalMesh(request: RehearsalMeshRequest): Promise<RehearsalMesh> {
  const { team, line, from, known, at, now } = request;
  const declaration = team.topology.lines[line];
  if (declaration === undefined) throw new Error(`topology.yaml declares no line ${line}`);
  const folders = meshFolders(request.folder);
  const nodes = team.topology.nodes.filter((node) => node.lines.includes(line) || node.name === declaration.publisher);
  for (const folder of [folders.config, folders.drop]) await mkdir(folder, { recursive: true });
  for (const node of nodes) await mkdir(join(folders.nodes, node.name), { recursive: true });
  await mountVolumes(folders, declaration, nodes);

  const apple = await openAppleHierarchy(folders.apple);
  const macs = nodes.filter((node) => node.keys === 'allowed').map((node) => node.name);
  if (declaration.sidecar !== undefined) await connectToSidecar(folders, declaration.sidecar.socket, nodes, apple, request.macs ?? {});
  const states = new Map<string, string>(nodes.map((node) => [node.name, node.state]));
  const stateOf = (name: string): string => states.get(name) ?? '';
  const deliveryKeys = await installSigners(folders, macs, apple, { ...request.macs, stateOf });
  const root = 'simulated-apple-root.pem';
  await writeFile(join(folders.root, root), apple.rootPem);
  await writeRehearsalConfiguration(folders, {
    team,
    line,
    nodes: nodes.map(({ name }) => name),
    factor: request.factor,
    deliveryKeys,
    extraRoots: [join('..', root)],
    standIns: request.standIns,
  });

  const remade = await remakeInForce(apple, from, known, now);
  const described = knownOfRemade(from, remade, known);
  const edition = { from: remade.manifest, known: described, certificates: remade.certificates, policy: team.policy, at, now };
  const first = await nextEdition(apple, { ...edition, name: 'first' });
  if (declaration.sidecar !== undefined)
    await keepAtSidecar(folders, line, basename(declaration.sidecar.socket), {
      inForce: remade.certificates,
      next: [...first.newCertificates.values()],
    });
  const keys = keysOf(nodes, declaration, remade, first.newCertificates);
  const manifest = await fillStore(folders, line, remade, await sealedFor(keys, deliveryKeys));
  return {
    folders,
    manifest,
    nodes,
    newCertificates: first.newCertificates.size,
    offer: async (name) => {
      const { files } = await nextEdition(apple, { ...edition, name, earlier: first.newCertificates });
      await putInto(folders.drop, files);
    },
  };
}

/** What is known of a profile in force is known of the one that stands for it. */
function knownOfRemade(
  from: Manifest,
  { manifest }: Remade,
  known: RehearsalMeshRequest['known'],
): ReadonlyMap<Sha256, ProfileDescription> {
  return new Map(
    from.profiles.flatMap((entry, index) => {
      const real = known.get(entry.profile.sha256);
      const stands = manifest.profiles[index]?.profile.sha256;
      return real === undefined || stands === undefined ? [] : [[stands, real] as const];
    }),
  );
}

/** Which nodes hold the key of which certificate, those to come among them. */
function keysOf(
  nodes: readonly NodeDeclaration[],
  declaration: Configuration['topology']['lines'][LineName],
  { manifest, certificates }: Remade,
  next: ReadonlyMap<Sha1, DistributionCertificate>,
): ReadonlyMap<DistributionCertificate, readonly NodeName[]> {
  const holdersOf = (identity: Sha1): readonly NodeName[] =>
    nodes.filter((node) => heldIdentities(node, declaration, manifest).includes(identity)).map(({ name }) => name);
  return new Map([
    ...certificates.map((certificate) => [certificate, holdersOf(certificate.sha1)] as const),
    ...[...next].map(([identity, certificate]) => [certificate, holdersOf(identity)] as const),
  ]);
}

async function sealedFor(
  keys: ReadonlyMap<DistributionCertificate, readonly NodeName[]>,
  deliveryKeys: Readonly<Record<string, string>>,
): Promise<readonly StoreItem[]> {
  const sealed = [...keys].map(([certificate, holders]) => {
    const own = Object.entries(deliveryKeys).filter(([node]) => (holders as readonly string[]).includes(node));
    return sealedTo(Object.fromEntries(own), [certificate], BY.by);
  });
  return (await Promise.all(sealed)).flat();
}

async function fillStore(folders: MeshFolders, line: LineName, remade: Remade, sealed: readonly StoreItem[]): Promise<Sha256> {
  const frozen = freezeManifest(remade.manifest);
  const store = await GitManifestStore.open({ path: folders.store });
  try {
    await store.create();
    const profiles = remade.profiles.map((bytes): StoreItem => ({ kind: 'profile', bytes, importedBy: BY.by }));
    await store.putMany([...sealed, ...profiles, { kind: 'manifest', bytes: frozen.bytes }], BY);
    await store.advance(line, 0, frozen.sha256, BY);
  } finally {
    await store.close();
  }
  return frozen.sha256;
}

/** Between two rotations, when nobody looks. */
async function putInto(drop: string, files: readonly DropFile[]): Promise<void> {
  const draft = `${drop}.next`;
  await mkdir(draft, { recursive: true });
  for (const { below, name, bytes } of files) {
    const folder = join(draft, ...below);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, name), bytes);
  }
  await rm(drop, { recursive: true, force: true });
  await rename(draft, drop);
}
