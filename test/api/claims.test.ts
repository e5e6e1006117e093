import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ClaimShowView, ClaimStandingView } from '../../src/presenters/claim.js';
import { until } from '../setup/until.js';
import { ServedMesh } from './served-mesh.js';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 240_000 });

let served: ServedMesh;
let folder: string;
beforeAll(async () => {
  served = await ServedMesh.start({ policy: { claims: { lease: '1m' } } });
  folder = mkdtempSync(join(served.mesh.folder, 'claims-'));
});
afterAll(() => served.stop());

const MANIFEST = 'f'.repeat(64);
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const file = (name: string, content: string): string => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};

const keyOf = (artifact: string) => ({ artifact: sha256(artifact), bundleId: 'com.acme.courier', method: 'app-store' });
const ask = (artifact: string, job: string, more: Record<string, unknown> = {}) =>
  served.post('/v1/claims', {
    key: keyOf(artifact),
    holder: 'ci',
    pipeline: 'courier',
    ticket: 'CHG-7',
    job,
    manifest: MANIFEST,
    purpose: 'sign',
    ...more,
  });
const standing = async (artifact: string, job: string, more?: Record<string, unknown>): Promise<ClaimStandingView> =>
  (await ask(artifact, job, more)).body as unknown as ClaimStandingView;
const complete = (artifact: string, token: string | null, signed: string, more: Record<string, unknown> = {}) =>
  served.post('/v1/claims/complete', { key: keyOf(artifact), token, signed: sha256(signed), ...more });

const reseal = (...argv: string[]) => served.reseal(argv, { cwd: folder });

describe('a claim on an artifact', () => {
  it('that ten jobs race for is granted to one; the others get its signature, and there is no second one (S11)', async () => {
    const asked = await Promise.all(Array.from({ length: 10 }, (_, index) => standing('raced', `job-${index}`)));
    const granted = asked.filter((one) => one.state === 'granted');
    expect([granted.length, asked.filter((one) => one.state === 'held').length]).toEqual([1, 9]);
    const done = await complete('raced', granted[0]?.token ?? null, 'signed-1', { location: 's3://releases/courier.ipa' });
    expect(done).toMatchObject({ status: 200, body: { signing: { signed: sha256('signed-1'), manifest: MANIFEST } } });
    const after = await Promise.all(Array.from({ length: 10 }, (_, index) => standing('raced', `job-${index}`)));
    expect(new Set(after.map((one) => `${one.state} ${one.signing?.signed ?? ''}`))).toEqual(new Set([`signed ${sha256('signed-1')}`]));
  });

  it('is answered from the ledger when its workflow is long gone', async () => {
    const { token } = await standing('kept', 'a');
    await complete('kept', token, 'signed-2');
    const { client } = served.desk;
    const id = `claim/${served.mesh.taskQueue}/${sha256('kept')}/com.acme.courier/app-store`;
    const { signings } = await until(async () => {
      const found = await served.desk.ledger.signings(keyOf('kept') as never);
      return found.length === 1 ? { signings: found } : null;
    });
    expect(signings[0]).toMatchObject({ signed: sha256('signed-2'), manifest: MANIFEST });
    await client.workflow.getHandle(id).terminate('as if its retention were over');
    expect(await standing('kept', 'b')).toMatchObject({ state: 'signed', signing: { signed: sha256('signed-2'), job: 'a' } });
  });

  it('of a job that died ends with its lease, and its late signature is refused with who has it now', async () => {
    const dead = await standing('crashed', 'dead', { lease: 1_000 });
    const next = await until(async () => {
      const view = await standing('crashed', 'next');
      return view.state === 'granted' ? view : null;
    });
    expect(await complete('crashed', dead.token, 'late')).toMatchObject({ status: 409, body: { error: { code: 'ALREADY_DECIDED' } } });
    expect(await complete('crashed', next.token, 'signed-3')).toMatchObject({ status: 200 });
    const refused = await complete('crashed', dead.token, 'late');
    expect(refused.body.error?.message).toContain(sha256('signed-3'));
  });

  it('is refused without a ticket, with a digest that is none, with a bundle that is none, and with a password in a location', async () => {
    expect(await ask('x', 'a', { ticket: 'please' })).toMatchObject({ status: 400, body: { error: { code: 'WRONG_TICKET' } } });
    expect(await ask('x', 'a', { key: { ...keyOf('x'), artifact: 'abc' } })).toMatchObject({
      status: 400,
      body: { error: { code: 'USAGE' } },
    });
    expect(await ask('x', 'a', { key: { ...keyOf('x'), bundleId: '../seat' } })).toMatchObject({ status: 400 });
    const { token } = await standing('secret', 'a');
    const refused = await complete('secret', token, 'y', { location: 'https://ci:hunter2@releases.example/y.ipa' });
    expect(refused).toMatchObject({ status: 400, body: { error: { details: ['location: an address without user name and password'] } } });
    expect(JSON.stringify(refused.body)).not.toContain('hunter2');
  });
});

describe('the command line', () => {
  const flags = (artifact: string): string[] => ['--artifact', artifact, '--bundle', 'com.acme.courier', '--method', 'ad-hoc'];
  const signer = ['--manifest', MANIFEST, '--ticket', 'CHG-7'];

  it('runs the command that signs once: a re-run gets the first signature and runs nothing', async () => {
    const artifact = file('app.zip', 'unsigned');
    const script = `require('fs').appendFileSync('${join(folder, 'runs')}', 'x'); require('fs').writeFileSync('${join(folder, 'app.ipa')}', 'signed ' + Date.now())`;
    const sign = [
      'claim',
      'run',
      ...flags(artifact),
      ...signer,
      '--signed',
      'app.ipa',
      '--location',
      'builds/7',
      '--',
      process.execPath,
      '-e',
      script,
    ];
    const first = await reseal(...sign);
    expect(first).toMatchObject({ exit: 0, stderr: '' });
    const digest = sha256(readFileSync(join(folder, 'app.ipa'), 'utf8'));
    expect(first.stdout).toContain(`  signed    ${digest}\n  where     builds/7\n`);
    const second = await reseal(...sign);
    expect(second).toMatchObject({ exit: 0, stdout: expect.stringContaining('is signed already; use that one:') });
    expect(second.stdout).toContain(digest);
    expect(readFileSync(join(folder, 'runs'), 'utf8')).toBe('x');
    const shown = await reseal('claim', 'show', ...flags(artifact), '--json');
    expect((JSON.parse(shown.stdout) as ClaimShowView).signings).toMatchObject([{ signed: digest, location: 'builds/7' }]);
  });

  it('gives the claim up where the command fails or makes nothing, and exits as it did', async () => {
    const artifact = file('bad.zip', 'unsigned too');
    const run = (code: string) =>
      reseal('claim', 'run', ...flags(artifact), ...signer, '--signed', 'none.ipa', '--', process.execPath, '-e', code);
    expect((await run('process.exit(65)')).exit).toBe(65);
    const nothing = await run('');
    expect(nothing).toMatchObject({ exit: 2, stderr: expect.stringContaining('did not make none.ipa, which --signed names') });
    expect(await reseal('claim', 'show', ...flags(artifact))).toMatchObject({
      exit: 1,
      stdout: expect.stringContaining('nobody holds the claim'),
    });
  });

  it('waits for another that signs, then prints its signature; without a wait it exits 4 and names it', async () => {
    const artifact = file('slow.zip', 'unsigned and slow');
    const acquire = (job: string, ...more: string[]) =>
      reseal('claim', 'acquire', ...flags(artifact), ...signer, '--job', job, '--holder', 'ci', ...more);
    const token = (JSON.parse((await acquire('one', '--json')).stdout) as ClaimStandingView).token ?? '';
    expect(await acquire('two')).toMatchObject({
      exit: 4,
      stderr: expect.stringContaining('ci, job one, signs com.acme.courier for ad-hoc'),
    });
    const waits = acquire('two', '--wait', '60s', '--json');
    const signed = file('slow.ipa', 'signed at last');
    expect((await reseal('claim', 'complete', ...flags(artifact), '--token', token, '--signed', signed)).exit).toBe(0);
    expect(JSON.parse((await waits).stdout)).toMatchObject({ state: 'signed', signing: { job: 'one', signed: sha256('signed at last') } });
    expect((await acquire('three', '--resign', '--json')).stdout).toContain('"granted"');
  });

  it('takes a folder for what is in it: another file, another mode, another link target are another artifact', async () => {
    const app = join(folder, 'Courier.app');
    mkdirSync(join(app, 'Frameworks'), { recursive: true });
    writeFileSync(join(app, 'Courier'), 'code', { mode: 0o755 });
    writeFileSync(join(app, 'Frameworks', 'a'), 'lib', { mode: 0o644 });
    symlinkSync('a', join(app, 'Frameworks', 'Current'));
    const digest = async (): Promise<string> =>
      (JSON.parse((await reseal('claim', 'show', ...flags(app), '--json')).stdout) as ClaimShowView).key.artifact;
    const lines = [
      `exec ${sha256('code')}\0Courier\n`,
      `link ${sha256('a')}\0Frameworks/Current\n`,
      `file ${sha256('lib')}\0Frameworks/a\n`,
    ];
    const first = await digest();
    expect(first).toBe(sha256(lines.join('')));
    chmodSync(join(app, 'Frameworks', 'a'), 0o755);
    const second = await digest();
    expect(second).not.toBe(first);
    expect(await reseal('claim', 'show', ...flags(join(folder, 'nowhere')))).toMatchObject({
      exit: 2,
      stderr: expect.stringContaining('cannot be read'),
    });
  });
});
