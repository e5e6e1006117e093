import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { profileFolder, type NodeTruth } from './node-truth.js';
import type { RotatingMesh } from './rotating-mesh.js';

/** Flips one bit of an installed profile that was not there before the rotation; answers the file's name. */
export function corruptNewProfile(mesh: RotatingMesh, node: string, before: Readonly<Record<string, NodeTruth>>): string {
  const folder = profileFolder(mesh.home(node));
  const old = Object.keys(before[node] ?? {});
  const name = readdirSync(folder).find((file) => file.endsWith('.mobileprovision') && !old.some((path) => path.endsWith(file)));
  if (name === undefined) throw new Error(`${node} has no new profile`);
  flipBit(join(folder, name));
  return name;
}

export function flipBit(path: string): void {
  const bytes = readFileSync(path);
  const middle = Math.floor(bytes.length / 2);
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}
