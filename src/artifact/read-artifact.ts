import type { Stats } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { Role } from '../domain/manifest.js';
import type { Artifact, Bundle } from '../domain/triage/bundle.js';
import type { PinnedRoot } from '../profile/index.js';
import { readBundle } from './bundle.js';
import { FolderTree } from './folder-tree.js';
import { unreadable, type ArtifactTree } from './tree.js';
import { ZipTree } from './zip-tree.js';

/** Bundles stand inside each other: an app, its watch app, an extension of that. */
const DEEPEST = 4;
const MOST_BUNDLES = 200;
const EXPECTED = 'Give an .ipa, .xcarchive, .app or .appex.';

/** Where bundles with profiles of their own stand inside another (Xcode's copy phases). */
const INSIDE: readonly { readonly folder: string; readonly suffix: '.app' | '.appex'; readonly role: Role }[] = [
  { folder: 'AppClips', suffix: '.app', role: 'clip' },
  { folder: 'Extensions', suffix: '.appex', role: 'extension' },
  { folder: 'PlugIns', suffix: '.appex', role: 'extension' },
  { folder: 'Watch', suffix: '.app', role: 'watch' },
];

/** Further eyes on a bundle, where this machine has them (`codesign`). */
export type LookCloser = (bundle: Bundle, folder: string) => Promise<Bundle>;

export interface ReadArtifactOptions {
  /** As errors name it. */
  readonly named: string;
  readonly roots: readonly PinnedRoot[];
  readonly lookCloser?: LookCloser;
}

/**
 * Reads an .ipa, .xcarchive, .app or .appex with all bundles in it. Nothing is unpacked to disk, and links are not followed.
 * @param path absolute
 * @throws ResealError FILE_UNREADABLE
 */
export async function readArtifact(path: string, { named, roots, lookCloser }: ReadArtifactOptions): Promise<Artifact> {
  const { kind, tree, folder } = await opened(path, named);
  try {
    const root = kind === 'app' || kind === 'appex' ? basename(path) : await onlyApp(tree, folder, named);
    const found: { path: string; role: Role }[] = [{ path: root, role: kind === 'appex' ? 'extension' : 'host' }];
    await findInside(tree, root, 1, found);
    if (found.length > MOST_BUNDLES) throw unreadable(named, `it holds more than ${MOST_BUNDLES} bundles`, EXPECTED);
    const bundles: Bundle[] = [];
    for (const one of found) {
      const bundle = await readBundle(tree, one.path, one.role, roots);
      const place = tree.place(one.path);
      const seen = place === null || lookCloser === undefined ? bundle : await lookCloser(bundle, place);
      bundles.push({ ...seen, path: folder === '' ? one.path : one.path.slice(folder.length + 1) });
    }
    return { kind, bundles };
  } finally {
    await tree.close();
  }
}

interface Opened {
  readonly kind: Artifact['kind'];
  readonly tree: ArtifactTree;
  /** The folder that holds the app. */
  readonly folder: string;
}

async function opened(path: string, named: string): Promise<Opened> {
  const found = await statOf(path, named);
  const suffix = /\.(app|appex|xcarchive)$/.exec(path)?.[1];
  if (found.isFile()) return { kind: 'ipa', tree: await zip(path, named), folder: 'Payload' };
  if (suffix === 'app' || suffix === 'appex') return { kind: suffix, tree: new FolderTree(dirname(path), named), folder: '' };
  if (suffix === 'xcarchive') return { kind: 'xcarchive', tree: new FolderTree(path, named), folder: 'Products/Applications' };
  throw unreadable(named, 'it is a folder that is no .xcarchive, .app or .appex', EXPECTED);
}

async function statOf(path: string, named: string): Promise<Stats> {
  let found: Stats;
  try {
    found = await stat(path);
  } catch (cause) {
    throw unreadable(named, 'there is no such file or folder, or it may not be looked at', 'Check the path and its permissions.', cause);
  }
  // A pipe would be waited for.
  if (!found.isFile() && !found.isDirectory()) throw unreadable(named, 'it is neither a file nor a folder', EXPECTED);
  return found;
}

async function zip(path: string, named: string): Promise<ZipTree> {
  const start = await beginningOf(path, named);
  if (start.length === 0) throw unreadable(named, 'it is empty', 'Fetch it again.');
  if (/^\s*<(?:!doctype\s+html|html)/i.test(start))
    throw unreadable(named, 'it is an HTML page', 'The download probably ended at a log-in page: sign in and fetch it again.');
  if (!start.startsWith('PK')) throw unreadable(named, 'it is no ZIP archive, as an .ipa is', EXPECTED);
  return ZipTree.open(path, named);
}

async function beginningOf(path: string, named: string): Promise<string> {
  try {
    const file = await open(path);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(256), 0, 256, 0);
      return buffer.toString('latin1', 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw unreadable(named, 'it does not open', 'Check its permissions.', cause);
  }
}

async function onlyApp(tree: ArtifactTree, folder: string, named: string): Promise<string> {
  const apps = (await tree.children(folder)).filter((name) => name.endsWith('.app'));
  const [app] = apps;
  if (app === undefined) throw unreadable(named, `it holds no app in ${folder}`, EXPECTED);
  if (apps.length > 1) throw unreadable(named, `it holds ${apps.length} apps in ${folder}, and one is expected`, EXPECTED);
  return `${folder}/${app}`;
}

async function findInside(tree: ArtifactTree, path: string, depth: number, found: { path: string; role: Role }[]): Promise<void> {
  if (depth > DEEPEST || found.length > MOST_BUNDLES) return;
  for (const { folder, suffix, role } of INSIDE) {
    for (const name of await tree.children(`${path}/${folder}`)) {
      if (!name.endsWith(suffix)) continue;
      const inside = `${path}/${folder}/${name}`;
      found.push({ path: inside, role });
      await findInside(tree, inside, depth + 1, found);
    }
  }
}
