import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { mountVolume } from '../../src/simulator/mesh/volume.js';
import { corruptNewProfile } from './corruption.js';
import type { Interference } from './interference.js';
import { meshTruth, nodeTruth, type NodeTruth } from './node-truth.js';
import { BUILDER_WAIT, MOUNT, PUBLISHER, PublishedMesh, type PublishedMeshRequest } from './published-volume.js';
import type { RotatingMesh } from './rotating-mesh.js';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

let volume: PublishedMesh;
let mesh: RotatingMesh;
let interference: Interference;
async function start(request: PublishedMeshRequest = {}): Promise<void> {
  volume = await PublishedMesh.start(request);
  ({ mesh, interference } = volume);
}
afterEach(() => mesh.stop());

/** Without the folders that a volume keeps once it has had something. */
const files = (truth: Readonly<Record<string, NodeTruth>>): unknown =>
  Object.fromEntries(
    Object.entries(truth).map(([node, all]) => [node, Object.fromEntries(Object.entries(all).filter(([path]) => !path.endsWith('/')))]),
  );

it('moves the pointers of the canary, after the approvals those of the waves, and keeps only the new manifest (R2, R4, R9, S4)', async () => {
  await start();
  const builders = mesh.startBuilders(BUILDER_WAIT);
  const before = mesh.mesh.manifest;
  expect(volume.pointingTo(before)).toEqual(volume.names);
  await mesh.rotate();
  const { to } = await mesh.untilGate();
  const canary = volume.pointingTo(to);
  expect(canary).toContain(PUBLISHER);
  expect(canary).toEqual([...interference.nodesOf('switch', to ?? '')].sort());
  expect(volume.pointingTo(before)).toEqual(volume.names.filter((name) => !canary.includes(name)));
  expect(volume.pointingTo(before)).not.toEqual([]);
  expect(volume.published).toEqual([before, to, `${before}.json`, `${to ?? ''}.json`].sort());
  await mesh.approve('ada', 'grace');
  expect(await mesh.result()).toEqual({ id: 'ios-main-1', outcome: 'completed', reasons: [] });
  expect(volume.pointingTo(to)).toEqual(volume.names);
  expect(volume.published).toEqual([to, `${to ?? ''}.json`].sort());
  expect((await mesh.around.store('main').head(mesh.mesh.line))?.digest).toBe(to);
  const { failures, checks, builds, late } = await builders.stop();
  expect(failures).toEqual([]);
  expect(checks).toBeGreaterThan(0);
  expect(late).toBeLessThan(builds / 2);
});

it('brings every pointer back when a node of the canary fails, and leaves the volume as it was (R5, R6, invariants 7 and 8)', async () => {
  await start();
  const before = meshTruth(mesh);
  let broken = '';
  let file = '';
  interference.before = (operation, node) => {
    if (operation !== 'switch' || node === PUBLISHER || (broken !== '' && broken !== node)) return;
    if (broken === '') file = corruptNewProfile(mesh, node, before);
    broken = node;
  };
  await mesh.rotate();
  const end = await mesh.result();
  expect(end.outcome).toBe('rolled-back');
  expect(end.reasons[0]).toContain(`the canary failed on ${broken}`);
  expect(end.reasons[0]).toContain(file);
  expect(files(meshTruth(mesh))).toEqual(files(before));
  expect(volume.pointingTo(mesh.mesh.manifest)).toEqual(volume.names);
});

it('names the publisher that went away in the middle, and is rolled back when it is there again', async () => {
  await start();
  const home = mesh.home(PUBLISHER);
  const before = nodeTruth(home);
  let away = false;
  interference.before = (operation, node) => {
    if (operation !== 'switch' || node === PUBLISHER || away) return;
    away = true;
    renameSync(home, `${home}.away`);
  };
  await mesh.rotate();
  const asked = await mesh.untilStatus(({ question }) => question !== null, 'a question');
  expect(JSON.stringify(asked)).toContain(`Node ${PUBLISHER} is not reachable`);
  renameSync(`${home}.away`, home);
  await mesh.tell('answer', 'ada', {
    question: asked.question?.id,
    option: asked.question?.options.includes('rollback') === true ? 'rollback' : 'retry',
  });
  const end = await mesh.result();
  expect(end.outcome).toBe('rolled-back');
  expect(volume.pointingTo(mesh.mesh.manifest)).toEqual(volume.names);
  expect(nodeTruth(home)).toEqual(before);
});

it('does not begin with a node whose volume takes writes, and says which (S4)', async () => {
  await start({
    changed: async ({ folders }) => {
      const node = (name: string): string => join(folders.nodes, name);
      await mountVolume({ home: node('iad-sign-1'), volume: join(node(PUBLISHER), MOUNT), mount: MOUNT, flags: 'nfs, nodev, nosuid' });
    },
  });
  await mesh.rotate();
  const end = await mesh.result();
  expect(end.outcome).toBe('refused');
  expect(end.reasons).toEqual([expect.stringContaining(`Node iad-sign-1: the volume of ${MOUNT} is not mounted read-only`)]);
});
