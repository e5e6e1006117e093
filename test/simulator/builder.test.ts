import { chmodSync, existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { simulatedNodes } from '../../src/simulator/mesh/spec.js';
import { profileFolder } from '../e2e/node-truth.js';
import { RotatingMesh } from '../e2e/rotating-mesh.js';
import { until } from '../setup/until.js';

let mesh: RotatingMesh;
beforeAll(async () => {
  mesh = await RotatingMesh.start({
    nodes: simulatedNodes(2),
    policy: { retirement: { secondGate: false, maxBuildDuration: '1m', overduePinPageEvery: '1m' } },
  });
});
afterAll(() => mesh.stop());

/** Runs builders until each node has built, and answers what they found. */
async function find(): Promise<readonly string[]> {
  const builders = mesh.startBuilders(5);
  await until(() => builders.count().builds >= 6);
  return (await builders.stop()).failures;
}

it('a builder finds every file that the settings of the active manifest name, in every folder (invariant 1)', async () => {
  const builders = mesh.startBuilders(5);
  await until(() => builders.count().builds >= 6);
  const { checks, failures, builds, late } = await builders.stop();
  expect(failures).toEqual([]);
  expect(late).toBe(0);
  // Four profiles in two folders, every time.
  expect(checks).toBe(8 * builds);
});

it('a builder names node and file of a byte that differs, and of a file that is gone', async () => {
  const folder = profileFolder(mesh.home('ams-sign-1'), 'legacy');
  const [first = '', second = ''] = readdirSync(folder).sort();
  writeFileSync(join(folder, first), 'other bytes');
  rmSync(join(folder, second));
  const failures = await find();
  expect(failures.some((one) => one.startsWith('ams-sign-1: ') && one.includes(first) && one.includes('has SHA-256'))).toBe(true);
  expect(failures.some((one) => one.startsWith('ams-sign-1: ') && one.includes(second) && one.includes('is missing'))).toBe(true);
  expect(failures.some((one) => one.startsWith('iad-sign-1: '))).toBe(false);
});

it('a builder names settings that are gone', async () => {
  const settings = join(mesh.home('iad-sign-1'), 'usr/local/var/reseal/mount/ios-main/settings');
  chmodSync(settings, 0o755);
  rmSync(settings, { recursive: true });
  expect(existsSync(settings)).toBe(false);
  expect((await find()).some((one) => /^iad-sign-1: settings\/[0-9a-f]{64} name no profile/.test(one))).toBe(true);
});
