import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { stringify } from 'yaml';

/** Where the parts of a simulated mesh lie below its folder. */
export interface MeshFolders {
  readonly root: string;
  readonly config: string;
  readonly apple: string;
  readonly drop: string;
  readonly profiles: string;
  readonly nodes: string;
  readonly store: string;
}

export const meshFolders = (root: string): MeshFolders => ({
  root,
  config: join(root, 'config'),
  apple: join(root, 'apple'),
  drop: join(root, 'drop'),
  profiles: join(root, 'profiles'),
  nodes: join(root, 'nodes'),
  store: join(root, 'store.git'),
});

export async function writeYaml(path: string, comment: string, value: unknown): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `# ${comment}\n${stringify(value, { lineWidth: 140 })}`);
}
