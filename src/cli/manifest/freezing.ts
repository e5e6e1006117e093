import type { OpenStore, StoreItem } from '../../../activities/manifest-store/contract.js';
import type { Configuration } from '../../configuration/load.js';
import type { LineName } from '../../domain/brands.js';
import { ResealError } from '../../domain/errors.js';
import type { KeptImport } from '../../domain/imports/kept.js';
import { subjectsOf, type Taken } from '../../domain/imports/statement.js';
import type { Manifest } from '../../domain/manifest.js';
import type { SigningFinding } from '../../domain/project-review.js';
import { assembleHeldManifest } from '../../manifest/assemble.js';
import { sha256Of } from '../../manifest/digest.js';
import { freezeManifest, type FrozenManifest } from '../../manifest/freeze.js';
import { readProfileFile, verifyProfile } from '../../profile/index.js';
import { trustedRoots } from '../../profile/trusted-roots.js';
import { appsOf, type ProjectFiles } from './apps.js';
import { profileFiles } from './profile-folder.js';

export interface FreezeRequest {
  readonly configuration: Configuration;
  readonly store: OpenStore;
  readonly line: LineName;
  /** With profiles, absolute. */
  readonly folder: string;
  /** Where relative paths of `files` start. */
  readonly cwd: string;
  readonly files: ProjectFiles;
  readonly by: { readonly by: string; readonly ticket: string };
  /** `head`: the manifest becomes the line's first. `store`: it is kept, and nothing serves it. */
  readonly into: 'head' | 'store';
  /** Milliseconds since 1970. */
  readonly now: number;
  /** By what the person stands for just this manifest, and for its profiles. */
  readonly vouch: (taken: Extract<Taken, { says: 'manifest-freeze' }>) => Promise<KeptImport>;
}

export interface FrozenFolder {
  readonly manifest: Manifest;
  readonly frozen: FrozenManifest;
  readonly profiles: number;
  readonly storeCreated: boolean;
  readonly signing: readonly SigningFinding[];
  readonly warnings: readonly string[];
}

/**
 * Verifies a folder's profiles, makes a line's manifest of them, and puts both into the store; as the line's head where that is asked.
 * @throws ResealError REFUSED where the line has a head already, HEAD_MOVED where it got one in this moment, and whatever is wrong with files
 */
export async function freezeFolder(request: FreezeRequest): Promise<FrozenFolder> {
  const { store, line, by } = request;
  const asHead = request.into === 'head';
  // Only a line's first manifest may begin a store: elsewhere one that is not there is away, and an empty one in its place would hide that.
  const head = asHead && !(await store.isThere()) ? null : await store.head(line);
  if (asHead && head !== null)
    throw new ResealError('REFUSED', `Line ${line} has a head already: ${head.digest} (seq ${head.seq}). It moves by rotations only.`);
  const { files, ...made } = await manifestOf(request);
  const frozen = freezeManifest(made.manifest);
  const taken = { says: 'manifest-freeze', manifest: frozen.sha256, profiles: [...new Set(files.map(sha256Of))] } as const;
  const document = await request.vouch(taken);
  const storeCreated = asHead && (await store.create());
  const profiles = files.map((bytes): StoreItem => ({ kind: 'profile', bytes, importedBy: by.by }));
  await store.putMany([...profiles, { kind: 'import', of: subjectsOf(taken), document }, { kind: 'manifest', bytes: frozen.bytes }], by);
  if (asHead) {
    const { moved } = await store.advance(line, 0, frozen.sha256, by);
    if (!moved)
      throw new ResealError(
        'HEAD_MOVED',
        `Someone else gave ${line} its first manifest in this moment. See \`reseal manifest show ${line}\`.`,
      );
  }
  return { ...made, frozen, profiles: files.length, storeCreated };
}

async function manifestOf({
  configuration,
  line,
  folder,
  cwd,
  files,
  now,
}: FreezeRequest): Promise<Pick<FrozenFolder, 'manifest' | 'signing' | 'warnings'> & { readonly files: readonly Uint8Array[] }> {
  const roots = trustedRoots(configuration);
  const held = await Promise.all(
    (await profileFiles(folder, line, configuration.topology.nodes)).map(async ({ holder, paths }) => {
      const bytes = await Promise.all(paths.map((path) => readProfileFile(path, { links: 'followed' })));
      return { holder, bytes, profiles: bytes.map((one) => verifyProfile(one, { roots }).profile) };
    }),
  );
  const profiles = held.flatMap((group) => group.profiles);
  const { apps, origin, signing, warnings, check } = await appsOf({ cwd, folder, files, profiles, policy: configuration.policy });
  const manifest = assembleHeldManifest(line, held, apps, origin);
  check(manifest);
  const expired = profiles
    .filter(({ expiresAt }) => Date.parse(expiresAt) <= now)
    .map(({ uuid, bundleId, expiresAt }) => `${uuid} for ${bundleId} expired at ${expiresAt}: nothing that is signed with it will install`);
  return { manifest, signing, warnings: [...warnings, ...expired], files: held.flatMap(({ bytes }) => bytes) };
}
