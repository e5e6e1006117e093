import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import type { DoctorCheck } from '../../src/cli/doctor/finding.js';
import { createMesh, type SimulatedMesh } from '../../src/simulator/mesh/create.js';
import { simulatedNodes } from '../../src/simulator/mesh/spec.js';
import { BUCKET, giveCredentials, ServedBucket } from '../manifest-store/served-bucket.js';
import { CREDENTIALS, versitygwMissing } from '../setup/versitygw.js';
import { reseal, type Ran } from './terminal.js';

describe.skipIf(versitygwMissing() !== null)('the command line with a store in a bucket, with versitygw (S1)', () => {
  let served: ServedBucket;
  let mesh: SimulatedMesh;
  beforeEach(async () => {
    served = await ServedBucket.start();
    mesh = await createMesh({ folder: mkdtempSync(join(tmpdir(), 'reseal-bucket-cli-')), nodes: simulatedNodes(2) });
    const path = join(mesh.folders.config, 'reseal.yaml');
    const declared = parse(readFileSync(path, 'utf8')) as { stores: Record<string, unknown> };
    const { prefix, region, endpoint } = served.options();
    declared.stores['main'] = { kind: 'bucket', bucket: BUCKET, prefix, region, endpoint };
    writeFileSync(path, stringify(declared));
  });
  afterEach(async () => {
    await served.stop();
    rmSync(mesh.folders.root, { recursive: true, force: true });
  });

  const run = (...argv: string[]): Promise<Ran> =>
    reseal(argv, { cwd: mesh.folders.root, env: { PATH: process.env['PATH'], XDG_STATE_HOME: mesh.folders.root, RESEAL_CONFIG: mesh.folders.config }, now: Date.now() }); // prettier-ignore
  const first = (): Promise<Ran> =>
    run('manifest', 'freeze', mesh.folders.profiles, '--line', mesh.line, '--first', '--as', 'rita', '--ticket', 'CHG-1', '--json');
  async function doctor(): Promise<{ readonly exit: number; readonly store: DoctorCheck }> {
    const ran = await run('doctor', '--json');
    const { checks } = JSON.parse(ran.stdout) as { checks: DoctorCheck[] };
    return { exit: ran.exit, store: checks.find((one) => one.check === 'store main')! };
  }

  it('is begun by the first freeze; then manifests are read and verified, and `doctor` says what is there', async () => {
    await served.prepare();
    expect((await doctor()).store.reason).toContain('nobody has begun a store there');
    const frozen = await first();
    expect(frozen).toMatchObject({ exit: 0, stderr: '' });
    const { sha256 } = JSON.parse(frozen.stdout) as { sha256: string };
    expect(JSON.parse((await run('manifest', 'sha', mesh.line, '--json')).stdout)).toMatchObject({ line: mesh.line, sha256 });
    expect(await run('manifest', 'verify', mesh.line)).toMatchObject({
      exit: 0,
      stdout: expect.stringContaining(`Manifest ${sha256} holds.`),
    });
    expect(await doctor()).toMatchObject({ exit: 0, store: { verdict: 'pass', reason: expect.stringContaining(`s3://${BUCKET}/`) } });
    const again = await first();
    expect(again.exit).not.toBe(0);
    expect(JSON.parse((await run('manifest', 'sha', mesh.line, '--json')).stdout)).toMatchObject({ sha256 });
  });

  it('without versioning is refused before anything is written, with what to do', async () => {
    await served.prepareUnguarded();
    expect(await first()).toMatchObject({ exit: 3, stdout: expect.stringContaining('put-bucket-versioning') });
    expect(served.isUntouched()).toBe(true);
    expect((await doctor()).store).toMatchObject({ verdict: 'fail', reason: expect.stringContaining('nobody has begun a store there') });
  });

  describe('of a team that begins with it', () => {
    const begin = (...more: string[]): Promise<Ran> => {
      writeFileSync(join(mesh.folders.root, 'root.pem'), mesh.apple.rootPem);
      const { region, endpoint, prefix } = served.options();
      const store = ['--store', `s3://${BUCKET}/${prefix}`, '--store-region', region, '--store-endpoint', endpoint ?? ''];
      return run('init', 'begun', '--profiles', mesh.folders.profiles, '--trust-root', 'root.pem', ...store, ...more);
    };
    const configured = (...argv: string[]): Promise<Ran> => run('--config', join(mesh.folders.root, 'begun/reseal'), ...argv);

    it('has its first manifest there, and a configuration that finds it again', async () => {
      await served.prepare();
      const begun = await begin('--line', 'courier');
      expect([begun.exit, begun.stderr]).toEqual([0, '']);
      expect(begun.stdout).toContain(`the store s3://${BUCKET}/stores/main.`);
      expect(served.damage()).toBe('');
      expect(readdirSync(join(mesh.folders.root, 'begun/reseal'))).not.toContain('store.git');
      expect(await configured('manifest', 'verify', 'courier')).toMatchObject({ exit: 0 });
      const { checks } = JSON.parse((await configured('doctor', '--json')).stdout) as { checks: DoctorCheck[] };
      expect(checks.find(({ check }) => check === 'store main')).toMatchObject({
        verdict: 'pass',
        reason: expect.stringContaining('courier at seq 1'),
      });
      expect(readFileSync(join(mesh.folders.root, 'begun/reseal/reseal.yaml'), 'utf8')).not.toContain(CREDENTIALS.AWS_SECRET_ACCESS_KEY);

      // The line is somebody's now; another one has place beside it.
      rmSync(join(mesh.folders.root, 'begun'), { recursive: true });
      expect(await begin('--line', 'courier')).toMatchObject({
        exit: 4,
        stdout: '',
        stderr: expect.stringMatching(/has a line courier already: .*--store.*--line/),
      });
      expect(existsSync(join(mesh.folders.root, 'begun'))).toBe(false);
      expect(await begin('--line', 'parcel')).toMatchObject({ exit: 0 });
    });

    it('has nothing at all where the bucket has no versioning, or is away', async () => {
      await served.prepareUnguarded();
      expect(await begin()).toMatchObject({ exit: 3, stdout: '', stderr: expect.stringContaining('put-bucket-versioning') });
      expect(served.isUntouched()).toBe(true);
      await served.goAway();
      expect(await begin()).toMatchObject({ exit: 3, stdout: '', stderr: expect.stringContaining(BUCKET) });
      expect(existsSync(join(mesh.folders.root, 'begun'))).toBe(false);
    });
  });

  it('that does not let this account in, or is away, says which and tells no secret', async () => {
    await served.prepare();
    await first();
    giveCredentials({ ...CREDENTIALS, AWS_SECRET_ACCESS_KEY: 'hunter2-hunter2' });
    const refused = await run('manifest', 'show', mesh.line);
    expect(refused.exit).not.toBe(0);
    expect(refused.stderr).toContain(BUCKET);
    const barred = await doctor();
    expect(barred).toMatchObject({ exit: 1, store: { verdict: 'fail' } });
    giveCredentials();
    await served.goAway();
    expect(await run('manifest', 'show', mesh.line)).toMatchObject({ exit: 3, stderr: expect.stringContaining(BUCKET) });
    const away = await doctor();
    expect(away).toMatchObject({ exit: 1, store: { verdict: 'fail' } });
    expect(JSON.stringify([refused, barred, away])).not.toContain('hunter2');
  });
});
