import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LineName } from '../../domain/brands.js';
import { ResealError } from '../../domain/errors.js';
import { assembleManifest } from '../../manifest/assemble.js';
import { freezeManifest } from '../../manifest/freeze.js';
import { APPLE_ROOTS, verifyProfile } from '../../profile/index.js';
import { GitManifestStore } from '../../../activities/manifest-store/git.js';
import { writeConfiguration } from './configuration.js';
import type { CreatedMesh } from './create.js';
import { meshFolders } from './files.js';
import { LINE, simulatedNodes } from './spec.js';

/** When the series of real profiles is rotated: 2746d535 has six days left, c3e20987 is its true successor. */
export const REAL_DATE = '2024-02-18T09:00:00Z';
const IN_FORCE = '2746d535.mobileprovision';
const SUCCESSOR = 'c3e20987.mobileprovision';
const APPS = { apps: { jigx: { 'com.jigx.test.ios': { role: 'host' as const, targets: ['Jigx'] } } } };

/** A mesh that rotates profiles really signed by Apple, on nodes that hold no keys. @throws ResealError FILE_UNREADABLE where the fixtures are missing */
export async function createRealMesh(folder: string, fixtures: string): Promise<CreatedMesh> {
  const folders = meshFolders(folder);
  const nodes = simulatedNodes(12);
  let bytes: Uint8Array;
  try {
    bytes = await readFile(join(fixtures, IN_FORCE));
  } catch (error) {
    throw new ResealError(
      'FILE_UNREADABLE',
      `The Apple-signed profiles that --real rotates are missing: ${join(fixtures, IN_FORCE)}. They come as shared fixtures beside the repository.`,
      { cause: error },
    );
  }
  for (const one of [folders.config, folders.drop, folders.profiles, ...nodes.map((node) => join(folders.nodes, node.name))])
    await mkdir(one, { recursive: true });
  await copyFile(join(fixtures, SUCCESSOR), join(folders.drop, SUCCESSOR));
  await writeFile(join(folders.profiles, IN_FORCE), bytes);
  await writeConfiguration(folders, {
    nodes,
    keys: 'forbidden',
    pipelines: [{ name: 'jigx-release', bundles: ['com.jigx.test.ios'] }],
    extraRoots: [],
    apps: APPS,
    policy: {},
  });

  const line = LINE as LineName;
  const { profile } = verifyProfile(bytes, { roots: APPLE_ROOTS });
  const frozen = freezeManifest(assembleManifest(line, [profile], APPS));
  const store = await GitManifestStore.open({ path: folders.store });
  try {
    await store.create();
    await store.putMany(
      [
        { kind: 'profile', bytes, importedBy: 'rita' },
        { kind: 'manifest', bytes: frozen.bytes },
      ],
      { by: 'rita', ticket: 'DEMO-0' },
    );
    await store.advance(line, 0, frozen.sha256, { by: 'rita', ticket: 'DEMO-0' });
  } finally {
    await store.close();
  }
  return { folders, line, nodes, manifest: frozen.sha256 };
}
