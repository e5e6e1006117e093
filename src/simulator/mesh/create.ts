import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LineName, Sha256 } from '../../domain/brands.js';
import { assembleManifest, type Apps } from '../../manifest/assemble.js';
import { freezeManifest } from '../../manifest/freeze.js';
import { APPLE_ROOTS, pinRoots, verifyProfile } from '../../profile/index.js';
import { GitManifestStore } from '../../../activities/manifest-store/git.js';
import { openAppleHierarchy, type AppleHierarchy, type DistributionCertificate } from '../apple-hierarchy.js';
import { writeConfiguration } from './configuration.js';
import { meshFolders, type MeshFolders } from './files.js';
import type { MacOptions } from '../mac/install.js';
import { installSigners, sealedTo } from './signers.js';
import { mountVolume } from './volume.js';
import { LINE, SIMULATED_APPS, simulatedNodes, TEAM, type SimulatedApp, type SimulatedNode } from './spec.js';

const DAY = 86_400_000;
/** Of every node that declares no other. */
const MOUNT = '/usr/local/var/reseal/mount';

export interface MeshRequest {
  readonly folder: string;
  /** Default: 12 nodes in three regions. */
  readonly nodes?: readonly SimulatedNode[];
  readonly apps?: readonly SimulatedApp[];
  /** Overrides of the quick policy, a section at a time. */
  readonly policy?: Readonly<Record<string, unknown>>;
  /** Milliseconds from now until the profiles in force expire. Default: 6 days. */
  readonly expiresIn?: number;
  /** Whether successors lie in the drop folder already. Default: yes. */
  readonly successors?: boolean | 'new-certificate';
  /** Signers are simulated Macs, with keychains and real identities, and not files alone. Default: no. */
  readonly macs?: Pick<MacOptions, 'tool'>;
  readonly now?: number;
}

export interface CreatedMesh {
  readonly folders: MeshFolders;
  readonly line: LineName;
  readonly nodes: readonly SimulatedNode[];
  /** Digest of the manifest in force. */
  readonly manifest: Sha256;
}

export interface SimulatedMesh extends CreatedMesh {
  readonly apple: AppleHierarchy;
  readonly certificate: DistributionCertificate;
  /** What successors sign with: `certificate`, or one that was issued after it. */
  readonly nextCertificate: DistributionCertificate;
}

/** Version 4 in form; the same name and edition give the same UUID. */
export function stableUuid(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** One profile per bundle id of the apps, all of one edition and of the certificate's team. */
export function makeProfiles(
  apple: AppleHierarchy,
  certificate: DistributionCertificate,
  apps: readonly SimulatedApp[],
  edition: { readonly name: string; readonly createdAt: Date; readonly expiresAt: Date },
): readonly { readonly uuid: string; readonly bytes: Uint8Array }[] {
  return apps
    .flatMap((app) => app.bundles)
    .map(({ bundleId, target }) => {
      const uuid = stableUuid(`${apple.folder} ${bundleId} ${edition.name} ${edition.createdAt.toISOString()}`);
      const bytes = apple.makeProfile({
        uuid,
        name: `${target} App Store ${edition.name}`,
        team: certificate.team,
        teamName: teamNameOf(certificate),
        bundleId,
        kind: 'app-store',
        certificates: [certificate],
        createdAt: edition.createdAt,
        expiresAt: edition.expiresAt,
      });
      return { uuid, bytes };
    });
}

/** As in `Apple Distribution: Acme GmbH (9QK4T7XW2B)`. */
const teamNameOf = ({ commonName }: DistributionCertificate): string => commonName.replace(/^[^:]*: | \([^)]*\)$/g, '');

/** Profiles of the next edition, as they come from the portal. */
export function successorProfiles(
  mesh: Pick<SimulatedMesh, 'apple' | 'certificate'>,
  apps: readonly SimulatedApp[] = SIMULATED_APPS,
  now = Date.now(),
  name = 'next',
): ReturnType<typeof makeProfiles> {
  return makeProfiles(mesh.apple, mesh.certificate, apps, {
    name,
    createdAt: wholeSecond(now - DAY / 24),
    expiresAt: mesh.certificate.notAfter,
  });
}

export const wholeSecond = (at: number): Date => new Date(Math.floor(at / 1000) * 1000);

/** Writes configuration, a simulated Apple, profiles in force and their successors, and the line's first manifest. No node is touched. */
export async function createMesh(request: MeshRequest): Promise<SimulatedMesh> {
  const folders = meshFolders(request.folder);
  const now = request.now ?? Date.now();
  const nodes = request.nodes ?? simulatedNodes(12);
  const apps = request.apps ?? SIMULATED_APPS;
  for (const folder of [folders.config, folders.drop, folders.profiles, folders.nodes]) await mkdir(folder, { recursive: true });
  for (const node of nodes) await mkdir(join(folders.nodes, node.name), { recursive: true });
  await mountEverywhere(folders, nodes);

  const apple = await openAppleHierarchy(folders.apple);
  const known = await apple.certificates();
  const certificate =
    known[0] ??
    (await apple.issueCertificate({
      commonName: `Apple Distribution: Acme GmbH (${TEAM})`,
      team: TEAM,
      notBefore: wholeSecond(now - 35 * DAY),
      notAfter: wholeSecond(now + 330 * DAY),
    }));
  const nextCertificate =
    request.successors === 'new-certificate'
      ? await apple.issueCertificate({
          commonName: `Apple Distribution: Acme GmbH (${TEAM})`,
          team: TEAM,
          notBefore: wholeSecond(now - DAY),
          notAfter: wholeSecond(now + 364 * DAY),
        })
      : certificate;
  const signers = nodes.filter((node) => node.roles.includes('signer')).map((node) => node.name);
  const deliveryKeys = request.macs === undefined ? undefined : await installSigners(folders, signers, apple, request.macs);
  const root = 'simulated-apple-root.pem';
  await writeFile(join(folders.root, root), apple.rootPem);
  await writeConfiguration(folders, {
    nodes,
    keys: 'signers',
    ...(deliveryKeys === undefined ? {} : { deliveryKeys }),
    pipelines: apps.map((app) => ({ name: `${app.name}-release`, bundles: app.bundles.map((bundle) => bundle.bundleId) })),
    extraRoots: [join('..', root)],
    apps: appsFile(apps),
    policy: request.policy ?? {},
  });

  const expiresAt = wholeSecond(now + (request.expiresIn ?? 6 * DAY));
  const inForce = makeProfiles(apple, certificate, apps, {
    name: 'in force',
    createdAt: wholeSecond(expiresAt.getTime() - 365 * DAY),
    expiresAt,
  });
  for (const { uuid, bytes } of inForce) await writeFile(join(folders.profiles, `${uuid}.mobileprovision`), bytes);
  if (request.successors !== false) {
    for (const { uuid, bytes } of successorProfiles({ apple, certificate: nextCertificate }, apps, now))
      await writeFile(join(folders.drop, `${uuid}.mobileprovision`), bytes);
  }

  const line = LINE as LineName;
  const roots = [...APPLE_ROOTS, ...pinRoots([apple.rootPem])];
  const described = inForce.map(({ bytes }) => verifyProfile(bytes, { roots }).profile);
  const frozen = freezeManifest(assembleManifest(line, described, appsFile(apps)));
  const store = await GitManifestStore.open({ path: folders.store });
  try {
    await store.create();
    if (deliveryKeys !== undefined)
      await store.putMany(await sealedTo(deliveryKeys, [...new Set([certificate, nextCertificate])]), { by: 'rita', ticket: 'DEMO-0' });
    if ((await store.head(line)) === null) {
      await store.putMany(
        [
          ...inForce.map(({ bytes }) => ({ kind: 'profile', bytes, importedBy: 'rita' }) as const),
          { kind: 'manifest', bytes: frozen.bytes },
        ],
        { by: 'rita', ticket: 'DEMO-0' },
      );
      await store.advance(line, 0, frozen.sha256, { by: 'rita', ticket: 'DEMO-0' });
    }
  } finally {
    await store.close();
  }
  return { folders, line, nodes, apple, certificate, nextCertificate, manifest: frozen.sha256 };
}

/** Where there is a publisher, every other node has its volume in the place of a mount of its own. */
async function mountEverywhere(folders: MeshFolders, nodes: readonly SimulatedNode[]): Promise<void> {
  const publisher = nodes.find((node) => node.roles.includes('publisher'));
  if (publisher === undefined) return;
  const volume = join(folders.nodes, publisher.name, MOUNT);
  for (const node of nodes) if (node !== publisher) await mountVolume({ home: join(folders.nodes, node.name), volume, mount: MOUNT });
}

/** @param holder of an identity of its own: its entries are its alone */
export function appsFile(apps: readonly SimulatedApp[], holder?: string): Apps {
  return {
    apps: Object.fromEntries(
      apps.map((app) => [
        app.name,
        Object.fromEntries(
          app.bundles.map(({ bundleId, role, target }) => [
            bundleId,
            { role, targets: [target], ...(holder === undefined ? {} : { holder }) },
          ]),
        ),
      ]),
    ),
  };
}
