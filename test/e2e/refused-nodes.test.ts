import { readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { flipBit } from './corruption.js';
import { meshTruth, profileFolder } from './node-truth.js';
import { startScenario, type Scenario } from './scenario.js';

let scenario: Scenario;
beforeAll(async () => {
  scenario = await startScenario({ builders: 'faulty', nodes: 4 });
});
afterAll(() => scenario.end());

it('nodes that cannot be reached or are not well are refused at preflight, all by name, and nothing is changed anywhere (R3, R4)', async () => {
  const { mesh } = scenario;
  const gone = mesh.home('iad-sign-1');
  renameSync(gone, `${gone}.away`);
  const folder = profileFolder(mesh.home('ams-build-1'));
  const [file = ''] = readdirSync(folder).sort();
  flipBit(join(folder, file));
  const well = ['ams-sign-1', 'bom-sign-1', 'ams-build-1'] as const;
  const truth = (): unknown => well.map((node) => meshTruthOf(node));
  const before = truth();
  await mesh.rotate();
  const { outcome, reasons } = await mesh.result();
  expect(outcome).toBe('refused');
  expect(reasons).toHaveLength(2);
  expect(reasons.some((one) => one.startsWith('iad-sign-1: '))).toBe(true);
  expect(reasons.some((one) => one.startsWith('ams-build-1: ') && one.includes(file))).toBe(true);
  expect(truth()).toEqual(before);
  renameSync(`${gone}.away`, gone);
  expect(Object.keys(meshTruth(mesh))).toHaveLength(4);
});

const meshTruthOf = (node: string): unknown =>
  readdirSync(scenario.mesh.home(node), { recursive: true })
    .map(String)
    .filter((path) => !path.includes('/state/'))
    .sort();
