import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { loadConfiguration } from '../../src/configuration/load.js';
import { simulatedNodes } from '../../src/simulator/mesh/spec.js';
import { pin, unpin } from '../gate/job.js';
import { activeManifests, installedProfiles } from './node-truth.js';
import { RotatingMesh } from './rotating-mesh.js';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

let mesh: RotatingMesh;
const place = (node: string) => ({ home: mesh.home(node), node, region: mesh.mesh.nodes.find(({ name }) => name === node)?.region ?? '' });
const nodes = (): readonly string[] => mesh.mesh.nodes.map(({ name }) => name);

beforeEach(async () => {
  // Far longer than this test: only where pins are known is it not waited for.
  const retirement = { secondGate: false, maxBuildDuration: '20m', overduePinPageEvery: '1m' };
  mesh = await RotatingMesh.start({ nodes: simulatedNodes(3), policy: { retirement } });
  const { pipelines } = loadConfiguration(mesh.mesh.folders.config).topology;
  for (const node of nodes())
    for (const { name } of pipelines) {
      await pin(place(node), `warm-up of ${name}`, mesh.mesh.manifest, ['--pipeline', name]);
      await unpin(place(node), `warm-up of ${name}`);
    }
});
afterEach(() => mesh.stop());

const begin = async (): Promise<void> => {
  await mesh.rotate();
  await mesh.approve('ada', 'grace');
};
const keepsOldProfiles = (node: string): boolean => Object.values(installedProfiles(mesh.home(node))).every((files) => files.length === 8);

it('a build that has pinned the old manifest keeps it on the mesh until it gives it back; then it is retired at once (R9, invariant 2)', async () => {
  const [node = ''] = nodes();
  await pin(place(node), 'courier #7', mesh.mesh.manifest, ['--pin-for', '15m']);
  await begin();
  const seen = await mesh.untilStatus((status) => status.pins !== null && (status.soak?.rounds ?? 0) >= 5, 'rounds of probes with the pin');
  expect(seen).toMatchObject({ phase: 'soaking', question: null, pins: { builds: 1, nodes: [node], jobs: ['courier #7'] } });
  expect(nodes().every(keepsOldProfiles)).toBe(true);

  await unpin(place(node), 'courier #7');
  expect((await mesh.result()).outcome).toBe('completed');
  expect(nodes().some(keepsOldProfiles)).toBe(false);
});

it('a pin that is overdue is a question by node and job, and people decide that the old manifest goes (R9)', async () => {
  const [node = ''] = nodes();
  await pin(place(node), 'courier #8', mesh.mesh.manifest, ['--pin-for', '1s']);
  await begin();
  const { question, pins } = await mesh.untilQuestion('pin-overdue');
  expect(question).toMatchObject({ nodes: [node], options: ['wait', 'retire', 'rollback'], unanswered: 'retire' });
  expect(pins).toMatchObject({ builds: 1, jobs: ['courier #8'] });
  expect(nodes().every(keepsOldProfiles)).toBe(true);

  await mesh.tell('answer', 'grace', { question: 'pin-overdue', option: 'retire' });
  const end = await mesh.result();
  expect(end).toMatchObject({ outcome: 'completed', reasons: ['grace answered pin-overdue with retire'] });
  const { to } = await mesh.status();
  expect(new Set(Object.values(activeManifests(mesh)))).toEqual(new Set([to]));
  expect(nodes().some(keepsOldProfiles)).toBe(false);
});
