import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRotationActivities } from '../../activities/rotation/activities.js';
import { NO_ORPHANS } from '../setup/no-orphans.js';
import type { PersonId } from '../../src/domain/brands.js';
import type { DoctorCheck } from '../../src/cli/doctor/finding.js';
import { createMesh, type SimulatedMesh } from '../../src/simulator/mesh/create.js';
import { simulatedNodes } from '../../src/simulator/mesh/spec.js';
import { openSurroundings } from '../../src/temporal/surroundings.js';
import { reseal, type Ran } from '../cli/terminal.js';

let mesh: SimulatedMesh;
let store: string;
beforeEach(async () => {
  mesh = await createMesh({ folder: mkdtempSync(join(tmpdir(), 'reseal-store-away-')), nodes: simulatedNodes(1) });
  store = mesh.folders.store;
  renameSync(store, `${store}.away`);
});
afterEach(() => rmSync(mesh.folders.root, { recursive: true, force: true }));

const run = (...argv: string[]): Promise<Ran> =>
  reseal(argv, {
    cwd: mesh.folders.root,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], XDG_STATE_HOME: mesh.folders.root, RESEAL_CONFIG: mesh.folders.config },
    now: Date.now(),
  });
const freeze = (...more: string[]): Promise<Ran> =>
  run('manifest', 'freeze', mesh.folders.profiles, '--line', mesh.line, '--as', 'rita', '--ticket', 'CHG-1', ...more);
const isAway = (): string => `The store main (${store}) cannot be used: it is gone, or has never been there.`;

it('freezing takes no control character into the history of the store', async () => {
  renameSync(`${store}.away`, store);
  const odd = await run('manifest', 'freeze', mesh.folders.profiles, '--line', mesh.line, '--as', 'rita', '--ticket', 'CHG-1\u0000');
  expect(odd).toMatchObject({ exit: 2, stderr: expect.stringContaining('--ticket: found U+0000') });
});

describe('a store that is not in its place (invariant 6)', () => {
  it('is refused by freezing without --first and by reading, and not made', async () => {
    expect(await freeze()).toMatchObject({ exit: 3, stderr: expect.stringContaining(isAway()) });
    expect(await run('manifest', 'show', mesh.line)).toMatchObject({ exit: 3, stderr: expect.stringContaining(isAway()) });
    expect(existsSync(store)).toBe(false);
  });

  it('is made by --first, which says so; and a profile that does not count makes none', async () => {
    rmSync(join(mesh.folders.root, 'simulated-apple-root.pem'));
    expect((await freeze('--first')).exit).not.toBe(0);
    expect(existsSync(store)).toBe(false);
    writeFileSync(join(mesh.folders.root, 'simulated-apple-root.pem'), mesh.apple.rootPem);
    const done = await freeze('--first');
    expect(done).toMatchObject({
      exit: 0,
      stdout: expect.stringContaining(`There was no store for ${mesh.line}: made a new one, ${store}.`),
    });
    expect((await freeze('--first')).exit).toBe(4);
  });

  it('that is there is not made again by --first, and its head stays', async () => {
    renameSync(`${store}.away`, store);
    expect(await freeze('--first')).toMatchObject({ exit: 4, stderr: expect.stringContaining('has a head already') });
    const again = await freeze('--json');
    expect([again.exit, JSON.parse(again.stdout)]).toMatchObject([0, { head: false, storeCreated: false, sha256: mesh.manifest }]);
  });

  it('is a failed check of doctor, until it is back', async () => {
    const check = async (): Promise<DoctorCheck | undefined> => {
      const view = JSON.parse((await run('doctor', '--json')).stdout) as { checks: DoctorCheck[] };
      return view.checks.find((one) => one.check === 'store main');
    };
    expect(await check()).toMatchObject({ verdict: 'fail', reason: expect.stringContaining(isAway()) });
    expect(existsSync(store)).toBe(false);
    renameSync(`${store}.away`, store);
    const head = `ios-main at seq 1, manifest ${mesh.manifest.slice(0, 12)}`;
    expect(await check()).toMatchObject({
      verdict: 'pass',
      reason: expect.stringMatching(new RegExp(`^${store}: main at [0-9a-f]{12}\n${head}$`)),
    });
  });

  it('keeps no worker from starting, is told, is asked about by the scan, and is used once it is back', async () => {
    const around = await openSurroundings(mesh.folders.config, mesh.folders.root);
    try {
      const { surveyLines, openRotation } = createRotationActivities(around, NO_ORPHANS);
      expect(await around.storeTroubles()).toEqual([expect.stringContaining(isAway())]);
      const { lines } = await surveyLines(0);
      expect(lines).toEqual([
        {
          line: mesh.line,
          due: [expect.stringContaining('not known')],
          start: false,
          reason: expect.stringContaining('its store main is away'),
          authority: expect.objectContaining({ assurance: 'name' }),
        },
      ]);
      const opening = {
        line: mesh.line,
        key: 'k',
        askedAt: Date.now(),
        offset: 0,
        trigger: { kind: 'person', by: 'rita' as PersonId, ticket: 'CHG-7' },
      } as const;
      await expect(openRotation(opening)).rejects.toMatchObject({ type: 'STORE_UNREACHABLE' });
      expect(existsSync(store)).toBe(false);
      renameSync(`${store}.away`, store);
      expect(await around.storeTroubles()).toEqual([]);
      expect((await surveyLines(0)).lines).toMatchObject([{ line: mesh.line, start: true }]);
      expect(await openRotation(opening)).toMatchObject({ k: 1 });
    } finally {
      await around.close();
    }
  });
});

describe('a store by URL', () => {
  const url = (): string => `file://${store}`;
  beforeEach(() => {
    const path = join(mesh.folders.config, 'reseal.yaml');
    writeFileSync(path, readFileSync(path, 'utf8').replace('../store.git', url()));
  });
  const doctor = async (): Promise<DoctorCheck | undefined> =>
    (JSON.parse((await run('doctor', '--json')).stdout) as { checks: DoctorCheck[] }).checks.find((one) => one.check === 'store main');

  it('is away where nothing is at its address, and freezing makes none there', async () => {
    expect(await freeze('--first')).toMatchObject({ exit: 3, stderr: expect.stringContaining('there is no repository at that address') });
    expect(await doctor()).toMatchObject({ verdict: 'fail', reason: expect.stringContaining(url()) });
  });

  it('whose repository is empty gets its branch by --first; its clone lies in the home, and doctor tells tip and head', async () => {
    execFileSync('git', ['init', '--quiet', '--bare', '-b', 'main', store]);
    expect(await doctor()).toMatchObject({ verdict: 'fail', reason: expect.stringContaining('it has no branch main') });
    expect(await freeze()).toMatchObject({ exit: 3, stderr: expect.stringContaining('freeze DIR --line LINE --first') });
    expect(await freeze('--first')).toMatchObject({
      exit: 0,
      stdout: expect.stringContaining(`There was no store for ${mesh.line}: made a new one, ${url()}.`),
    });
    expect(existsSync(join(mesh.folders.root, 'reseal', 'clones'))).toBe(true);
    const head = `ios-main at seq 1, manifest ${mesh.manifest.slice(0, 12)}`;
    expect(await doctor()).toMatchObject({ verdict: 'pass', reason: expect.stringMatching(new RegExp(`^${url()}: main at .*\n${head}$`)) });
    expect(await run('manifest', 'verify', mesh.line)).toMatchObject({ exit: 0 });
  });
});
