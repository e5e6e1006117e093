import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { LineName, NodeName } from '../../domain/brands.js';
import { ResealError } from '../../domain/errors.js';
import type { NodeDeclaration } from '../../domain/topology.js';

const SUFFIX = '.mobileprovision';

/** Profiles by the folder that they are in: the named one itself, and folders in it, each called after the node that alone holds what is in it. */
export interface HeldFiles {
  readonly holder: NodeName | null;
  readonly paths: readonly string[];
}

/** @throws ResealError FILE_UNREADABLE, MANIFEST_INVALID for a folder whose profiles would be nobody's */
export async function profileFiles(folder: string, line: LineName, nodes: readonly NodeDeclaration[]): Promise<readonly HeldFiles[]> {
  const entries = await entriesOf(folder);
  const groups: HeldFiles[] = [{ holder: null, paths: profilesAmong(folder, entries) }];
  for (const { name } of entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))) {
    const below = join(folder, name);
    const inside = await entriesOf(below);
    refuseDeeper(below, inside);
    const paths = profilesAmong(below, inside);
    if (paths.length === 0) continue;
    const node = nodes.find((one) => one.name === name && one.lines.includes(line));
    if (node === undefined)
      throw new ResealError(
        'MANIFEST_INVALID',
        `${below} holds profiles, and ${name} is no node of line ${line}. Name the folder after the node that alone is to have them, or put them into ${folder} for all.`,
      );
    groups.push({ holder: node.name, paths });
  }
  const found = groups.filter(({ paths }) => paths.length > 0);
  if (found.length === 0) throw new ResealError('FILE_UNREADABLE', `${folder} holds no ${SUFFIX} file.`);
  return found;
}

const profilesAmong = (folder: string, entries: readonly Dirent[]): readonly string[] =>
  entries
    .filter((entry) => !entry.isDirectory() && entry.name.endsWith(SUFFIX))
    .map((entry) => join(folder, entry.name))
    .sort();

/** What lies deeper would not be frozen, and nobody would notice. */
function refuseDeeper(folder: string, entries: readonly Dirent[]): void {
  const deeper = entries.find((entry) => entry.isDirectory() && !entry.name.startsWith('.'));
  if (deeper === undefined) return;
  throw new ResealError(
    'MANIFEST_INVALID',
    `${join(folder, deeper.name)} lies too deep: profiles to freeze are in the folder that is named, or one below it called after a node. A variant is said in apps.yaml.`,
  );
}

async function entriesOf(folder: string): Promise<readonly Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    throw new ResealError('FILE_UNREADABLE', `${folder} cannot be read: it should be a folder with profiles.`, { cause: error });
  }
}
