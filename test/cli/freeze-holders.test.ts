import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Manifest } from '../../src/domain/manifest.js';
import { createMesh, type SimulatedMesh } from '../../src/simulator/mesh/create.js';
import { simulatedNodes } from '../../src/simulator/mesh/spec.js';
import { reseal, type Ran } from './terminal.js';

let mesh: SimulatedMesh;
beforeEach(async () => {
  mesh = await createMesh({ folder: mkdtempSync(join(tmpdir(), 'reseal-freeze-holders-')), nodes: simulatedNodes(2) });
});
afterEach(() => rmSync(mesh.folders.root, { recursive: true, force: true }));

const run = (...argv: string[]): Promise<Ran> =>
  reseal(argv, { cwd: mesh.folders.root, env: { PATH: process.env['PATH'], XDG_STATE_HOME: mesh.folders.root, RESEAL_CONFIG: mesh.folders.config }, now: Date.now() }); // prettier-ignore
const freeze = (): Promise<Ran> =>
  run('manifest', 'freeze', mesh.folders.profiles, '--line', mesh.line, '--as', 'rita', '--ticket', 'CHG-1', '--json');
const profilesIn = (folder: string): string[] => readdirSync(folder).filter((name) => name.endsWith('.mobileprovision')).sort(); // prettier-ignore
/** Moves profiles into a folder of the one that is frozen. */
function give(name: string, from: string, files: readonly string[]): void {
  mkdirSync(join(mesh.folders.profiles, name), { recursive: true });
  for (const file of files) renameSync(join(from, file), join(mesh.folders.profiles, name, file));
}
async function frozen(): Promise<readonly (readonly [string, string | undefined, string])[]> {
  const ran = await freeze();
  expect(ran).toMatchObject({ exit: 0 });
  const { sha256 } = JSON.parse(ran.stdout) as { sha256: string };
  const shown = JSON.parse((await run('manifest', 'show', sha256, '--json')).stdout) as { manifest?: Manifest } & Partial<Manifest>;
  const { profiles = [] } = shown.manifest ?? shown;
  return profiles.map(({ bundleId, holder, profile }) => [bundleId, holder, `${profile.uuid}.mobileprovision`] as const);
}

it('profiles in folders of nodes become entries that these nodes alone hold, for every bundle of apps.yaml', async () => {
  const [one, other] = mesh.nodes.map(({ name }) => name) as [string, string];
  const [own, theirs] = [profilesIn(mesh.folders.profiles), profilesIn(mesh.folders.drop)];
  give(one, mesh.folders.profiles, own);
  give(other, mesh.folders.drop, theirs);
  const entries = await frozen();
  expect(entries.filter(([, holder]) => holder === one).map(([, , file]) => file).sort()).toEqual(own); // prettier-ignore
  expect(entries.filter(([, holder]) => holder === other).map(([, , file]) => file).sort()).toEqual(theirs); // prettier-ignore
  expect(entries).toHaveLength(own.length + theirs.length);
});

it('a bundle that a node has no profile for has to have one for all', async () => {
  const [one, other] = mesh.nodes.map(({ name }) => name) as [string, string];
  const [first = '', ...rest] = profilesIn(mesh.folders.profiles);
  give(one, mesh.folders.profiles, [first, ...rest]);
  mkdirSync(join(mesh.folders.profiles, other));
  for (const file of rest) copyFileSync(join(mesh.folders.profiles, one, file), join(mesh.folders.profiles, other, file));
  expect(await freeze()).toMatchObject({ exit: 2, stdout: expect.stringContaining(`${other} has no profile for `) });
  renameSync(join(mesh.folders.profiles, one, first), join(mesh.folders.profiles, first));
  const kept = (await frozen()).filter(([, , file]) => file === first);
  expect(kept).toMatchObject([[expect.any(String), undefined, first]]);
});

it('a folder that is called after no node of the line, and one that lies deeper, are refused with what to do', async () => {
  const files = profilesIn(mesh.folders.profiles);
  give('nobody', mesh.folders.profiles, files);
  expect(await freeze()).toMatchObject({ exit: 2, stdout: expect.stringContaining('nobody is no node of line') });
  renameSync(join(mesh.folders.profiles, 'nobody'), join(mesh.folders.profiles, mesh.nodes[0]!.name));
  mkdirSync(join(mesh.folders.profiles, mesh.nodes[0]!.name, 'beta'));
  expect(await freeze()).toMatchObject({ exit: 2, stdout: expect.stringContaining('lies too deep') });
});
