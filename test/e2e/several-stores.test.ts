import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { activeManifests } from './node-truth.js';
import { startScenario, type Scenario } from './scenario.js';

let scenario: Scenario;
beforeAll(async () => {
  scenario = await startScenario({ nodes: 3 });
});
afterAll(() => scenario.end());

it('a line whose store is not the first of reseal.yaml is rotated out of its own (S1)', async () => {
  const { mesh } = scenario;
  const file = join(mesh.mesh.folders.config, 'reseal.yaml');
  const whole = parse(readFileSync(file, 'utf8')) as { readonly stores: object };
  writeFileSync(
    file,
    stringify({ ...whole, stores: { another: { kind: 'git', url: join(mesh.folder, 'another.git') }, ...whole.stores } }),
  );
  await mesh.restartWorker();
  await mesh.rotate();
  await mesh.approve('ada', 'grace');
  expect(await mesh.result()).toMatchObject({ id: 'ios-main-1', outcome: 'completed' });
  const head = await mesh.around.store('main').head(mesh.mesh.line);
  expect(new Set(Object.values(activeManifests(mesh)))).toEqual(new Set([head?.digest]));
});
