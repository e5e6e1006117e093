import { cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { restoreText, type RestoresView } from '../../src/presenters/restore.js';
import { activeManifests, meshTruth, nodeTruth, type NodeTruth } from '../e2e/node-truth.js';
import { until } from '../setup/until.js';
import { ServedMesh } from './served-mesh.js';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 240_000 });

let served: ServedMesh;
let old: string;
let inForce: string;
let before: ReturnType<typeof meshTruth>;
let rotated: ReturnType<typeof meshTruth>;
const image = (): string => join(served.mesh.folder, 'image');
const names = (): readonly string[] => served.mesh.mesh.nodes.map(({ name }) => name);
const [FIRST, SECOND, THIRD] = [0, 1, 2].map((at) => () => names()[at]!) as [() => string, () => string, () => string];

/** The mesh after a rotation, and what its first node was like before. */
beforeAll(async () => {
  served = await ServedMesh.start();
  old = served.mesh.mesh.manifest;
  before = meshTruth(served.mesh);
  cpSync(served.mesh.home(FIRST()), image(), { recursive: true });
  expect(await served.reseal(['rotation', 'start', '--line', 'ios-main', '--as', 'rita', '--ticket', 'CHG-1'])).toMatchObject({ exit: 0 });
  const gate = await served.untilRotation('ios-main-1', ({ phase }) => phase === 'awaiting-signoff', 'an open gate');
  inForce = gate.to ?? '';
});
afterAll(() => served.stop());

const restore = (nodes: readonly string[], ...options: string[]) =>
  served.reseal(['node', 'restore', ...nodes, '--as', 'ada', '--ticket', 'CHG-5', ...options]);
const truth = (node: string): NodeTruth => nodeTruth(served.mesh.home(node));
const viewOf = ({ stdout }: { readonly stdout: string }): RestoresView['restores'] => (JSON.parse(stdout) as RestoresView).restores;

/** The node's disk as the image has it. */
function reimage(node: string, from: 'image' | 'empty'): void {
  rmSync(served.mesh.home(node), { recursive: true });
  if (from === 'image') cpSync(image(), served.mesh.home(node), { recursive: true });
  else mkdirSync(served.mesh.home(node));
}

it('is refused while a rotation is in flight, which takes care of its nodes itself', async () => {
  const refused = await restore([SECOND()]);
  expect(refused).toMatchObject({ exit: 4, stdout: '' });
  expect(refused.stderr).toContain('ios-main-1 is in flight on ios-main (awaiting-signoff), and takes care of its nodes itself.');
  expect(activeManifests(served.mesh)[SECOND()]).toBe(old);
  for (const person of ['ada', 'grace'])
    expect(await served.reseal(['rotation', 'approve', 'ios-main-1', '--as', person, '--ticket', 'CHG-1'])).toMatchObject({ exit: 0 });
  await served.untilRotation('ios-main-1', ({ outcome }) => outcome === 'completed', 'its end');
  rotated = meshTruth(served.mesh);
});

it('a node whose image has the retired UUIDs baked in serves what is in force again, and they go to quarantine (R10)', async () => {
  reimage(FIRST(), 'image');
  expect(activeManifests(served.mesh)[FIRST()]).toBe(old);
  const ran = await restore([FIRST()]);
  expect(ran).toMatchObject({ exit: 0 });
  expect(ran.stdout).toBe(
    `${FIRST()} serves what is in force on ios-main: manifest ${inForce.slice(0, 12)}; before it was ${old.slice(0, 12)}\n` +
      `  took manifest ${old.slice(0, 12)} away; it lies in the node's quarantine\n`,
  );
  expect(truth(FIRST())).toEqual(rotated[FIRST()]);
  const quarantine = join(served.mesh.home(FIRST()), 'usr/local/var/reseal/state/quarantine');
  expect(readdirSync(quarantine)).toEqual(['ios-main-2']);
  expect(await served.reseal(['node', 'inspect', FIRST()])).toMatchObject({ exit: 0 });
});

it('a node that has nothing at all, and one where all is well, side by side: both serve what is in force (R10)', async () => {
  reimage(SECOND(), 'empty');
  const ran = await restore([SECOND(), THIRD()], '--json');
  expect(ran).toMatchObject({ exit: 0 });
  expect(viewOf(ran)).toMatchObject([
    { node: SECOND(), line: 'ios-main', manifest: inForce, before: null, active: inForce, outcome: 'done', retired: [], kept: [] },
    { node: THIRD(), before: inForce, active: inForce, outcome: 'done', retired: [], kept: [] },
  ]);
  expect(truth(SECOND())).toEqual(rotated[SECOND()]);
  expect(truth(THIRD())).toEqual(rotated[THIRD()]);
  const said = await restore([THIRD()]);
  expect(said.stdout).toBe(
    `${THIRD()} had what is in force on ios-main active (manifest ${inForce.slice(0, 12)}); it is whole, and probes passed in a row\n`,
  );
  expect(said.stderr).toContain(`${THIRD()} on ios-main: reading what is there`);
});

it('a node that is away is told as away, with exit 3, and nothing is made in its place', async () => {
  const home = served.mesh.home(THIRD());
  renameSync(home, `${home}-away`);
  try {
    const ran = await restore([THIRD()], '--json');
    expect(ran.exit).toBe(3);
    expect(viewOf(ran)).toMatchObject([{ node: THIRD(), outcome: 'unreachable', at: 'inspect', active: null, retired: [] }]);
    expect(restoreText(JSON.parse(ran.stdout) as RestoresView).at(-1)).toBe('  what it serves is not known');
    expect(existsSync(home)).toBe(false);
  } finally {
    renameSync(`${home}-away`, home);
  }
});

it.each([
  ['a person whose roles do not let them', () => [THIRD(), '--as', 'rita'], 'The roster does not let rita restore; it lets ada, grace.'],
  ['a node that nobody declared', () => ['nowhere'], 'topology.yaml declares no node nowhere'],
  ['a line that the node does not follow', () => [THIRD(), '--line', 'tvos'], `does not follow tvos: it follows ios-main.`],
  ['no ticket of this installation', () => [THIRD(), '--ticket', 'because'], 'because'],
])('refuses %s in a sentence, and changes nothing', async (_, options, says) => {
  const ran = await served.reseal(['node', 'restore', '--as', 'ada', '--ticket', 'CHG-5', ...options()]);
  expect(ran.exit).not.toBe(0);
  expect(ran).toMatchObject({ stdout: '', stderr: expect.stringContaining(says) });
  expect(truth(THIRD())).toEqual(rotated[THIRD()]);
});

it('an incident afterwards brings restored nodes back with the others (R7)', async () => {
  const ran = await served.reseal(['rotation', 'rollback', 'ios-main-1', '--as', 'ada', '--ticket', 'INC-1', '--reason', 'archives fail']);
  expect(ran).toMatchObject({ exit: 0 });
  const back = await until(
    async () => {
      const { stdout } = await served.reseal(['rotation', 'list', '--json']);
      return (JSON.parse(stdout) as { rotations: { id: string; outcome: string | null }[] }).rotations.find((one) => one.id !== 'ios-main-1' && one.outcome !== null); // prettier-ignore
    },
    { what: 'the end of the way back', timeout: 60_000 },
  );
  expect(back.outcome).toBe('rolled-back');
  expect(new Set(Object.values(activeManifests(served.mesh)))).toEqual(new Set([old]));
  expect(meshTruth(served.mesh)).toEqual(before);
});
