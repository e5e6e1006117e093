import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseJournal, type JournalEntry } from '../../activities/node/index.js';
import { PROFILE_FOLDERS } from '../../activities/node/paths.js';
import { sha256Of } from '../../src/manifest/digest.js';
import type { RotatingMesh } from './rotating-mesh.js';

const MOUNT = 'usr/local/var/reseal/mount';
const STATE = 'usr/local/var/reseal/state';
const FOLDERS = Object.values(PROFILE_FOLDERS).map((folder) => folder.replace('~/', ''));

/** Path below the home to kind, mode and content, of everything that builds can see on a node. */
export type NodeTruth = Readonly<Record<string, string>>;

export function nodeTruth(home: string, line = 'ios-main'): NodeTruth {
  const truth: Record<string, string> = {};
  for (const folder of [...FOLDERS, join(MOUNT, line)]) walk(home, join(home, folder), truth);
  return truth;
}

function walk(home: string, path: string, truth: Record<string, string>): void {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return;
  const mode = (stat.mode & 0o7777).toString(8);
  const name = relative(home, path);
  if (stat.isDirectory()) {
    truth[`${name}/`] = mode;
    for (const entry of readdirSync(path).sort()) walk(home, join(path, entry), truth);
  } else {
    truth[name] = `${mode} ${stat.isSymbolicLink() ? `-> ${readlinkSync(path)}` : sha256Of(readFileSync(path))}`;
  }
}

/** Node truth of the whole mesh, by node. */
export const meshTruth = (mesh: RotatingMesh): Readonly<Record<string, NodeTruth>> =>
  Object.fromEntries(mesh.mesh.nodes.map(({ name }) => [name, nodeTruth(mesh.home(name))]));

/** Digest of the active manifest of every node. */
export const activeManifests = (mesh: RotatingMesh): Readonly<Record<string, string>> =>
  Object.fromEntries(mesh.mesh.nodes.map(({ name }) => [name, sha256Of(readFileSync(activeFile(mesh, name)))]));

export const activeFile = (mesh: RotatingMesh, node: string): string => join(mesh.home(node), MOUNT, mesh.mesh.line, 'profiles.json');

/** Names of the profile files in each folder that Xcode reads. */
export const installedProfiles = (home: string): Readonly<Record<string, readonly string[]>> =>
  Object.fromEntries(FOLDERS.map((folder) => [folder, readdirSync(join(home, folder)).sort()]));

export const profileFolder = (home: string, folder: keyof typeof PROFILE_FOLDERS = 'xcode16'): string =>
  join(home, PROFILE_FOLDERS[folder].replace('~/', ''));

export const journalOf = (mesh: RotatingMesh, node: string): readonly JournalEntry[] =>
  parseJournal(readFileSync(join(mesh.home(node), STATE, 'journal'), 'utf8'));

/** Whether something on the node was changed by this step of a rotation, and how often. */
export const effects = (mesh: RotatingMesh, node: string, rotation: string, step: string): readonly JournalEntry[] =>
  journalOf(mesh, node).filter((entry) => entry.rotation === rotation && entry.do === step && entry.phase === 'result' && entry.changed);
