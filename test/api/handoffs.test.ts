import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parse, stringify } from 'yaml';
import type { HandoffCreatedView, HandoffListView, HandoffVerdictView } from '../../src/presenters/handoff.js';
import { ServedMesh } from './served-mesh.js';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 240_000 });

const MANIFEST = 'f'.repeat(64);
let served: ServedMesh;
let folder: string;
let config: string;
let now = Date.now();

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'reseal-handoff-'));
  for (const name of ['ci', 'stranger'])
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', join(folder, name)]);
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', 'secret words', '-f', join(folder, 'locked')]);
  writeFileSync(join(folder, 'Courier.xcarchive.zip'), 'unsigned');
  writeFileSync(join(folder, 'Other.zip'), 'other');
  served = await ServedMesh.start();
  config = served.mesh.mesh.folders.config;
  const file = join(config, 'topology.yaml');
  const topology = parse(readFileSync(file, 'utf8')) as { pipelines: { name: string; keys?: string[] }[] };
  for (const pipeline of topology.pipelines) pipeline.keys = [readFileSync(join(folder, 'ci.pub'), 'utf8').trim()];
  writeFileSync(file, stringify(topology));
});
afterAll(async () => {
  await served.stop();
  rmSync(folder, { recursive: true, force: true });
});

const reseal = (...argv: string[]) =>
  served.reseal([...argv, '--config', config], { cwd: folder, env: { SSH_ASKPASS_REQUIRE: 'never' }, now: () => now });

const create = (out: string, ...more: string[]) =>
  reseal(
    ...['handoff', 'create', '--line', 'ios-main', '--manifest', MANIFEST, '--pipeline', 'courier-release'],
    ...['--artifact', 'Courier.xcarchive.zip', '--job', 'build-7', '--key', 'ci', '--out', out, ...more],
  );
const verify = async (file: string, ...more: string[]): Promise<{ exit: number; failed: Record<string, string> }> => {
  const ran = await reseal('handoff', 'verify', file, '--json', ...more);
  const { checks } = JSON.parse(ran.stdout) as HandoffVerdictView;
  return {
    exit: ran.exit,
    failed: Object.fromEntries(checks.filter((one) => one.verdict === 'fail').map((one) => [one.check, one.reason])),
  };
};
const edited = (from: string, to: string, change: (handoff: { envelope: Record<string, unknown>; signature: string }) => void): string => {
  const handoff = JSON.parse(readFileSync(join(folder, from), 'utf8')) as { envelope: Record<string, unknown>; signature: string };
  change(handoff);
  writeFileSync(join(folder, to), JSON.stringify(handoff));
  return to;
};

describe('a handoff (S11)', () => {
  it('carries the manifest to the next stage, which finds everything as it expects it', async () => {
    const made = await create('handoff.json', '--json');
    expect(made).toMatchObject({ exit: 0, stderr: '' });
    const { envelope } = JSON.parse(made.stdout) as HandoffCreatedView;
    expect(envelope).toMatchObject({
      profile_manifest_sha: MANIFEST,
      pipeline: 'courier-release',
      bundles: expect.arrayContaining(['com.acme.courier']),
    });
    const expected = ['--line', 'ios-main', '--pipeline', 'courier-release', '--manifest', MANIFEST, '--artifact', 'Courier.xcarchive.zip'];
    const said = await reseal('handoff', 'verify', 'handoff.json', ...expected);
    expect(said.exit).toBe(0);
    expect(said.stdout).toMatch(/handoff\.json is sound: Courier\.xcarchive\.zip of courier-release, job build-7\n/);
    expect(said.stdout).toMatch(/signature +pass +by SHA256:\S+, a key of courier-release/);
  });

  it('for another line, pipeline, manifest or artifact is refused, with everything that differs at once', async () => {
    const { exit, failed } = await verify(
      'handoff.json',
      '--line',
      'ios-other',
      '--pipeline',
      'depot-release',
      '--manifest',
      'e'.repeat(64),
      '--artifact',
      'Other.zip',
    );
    expect(exit).toBe(1);
    expect(Object.keys(failed)).toEqual(['line', 'pipeline', 'manifest', 'artifact']);
    expect(failed['line']).toBe('it is for ios-main, and ios-other is expected');
  });

  it('that was tampered with is refused, whatever was changed', async () => {
    for (const [field, value] of [
      ['profile_manifest_sha', 'e'.repeat(64)],
      ['line', 'ios-other'],
      ['bundles', []],
      ['expiresAt', '2099-01-01T00:00:00Z'],
      ['job', 'build-8'],
    ] as const) {
      const { exit, failed } = await verify(edited('handoff.json', 'tampered.json', (handoff) => (handoff.envelope[field] = value)));
      expect([exit, failed['signature']], field).toEqual([1, 'the signature does not count: it does not fit what it is said to sign']);
    }
  });

  it('signed by a key that the pipeline does not declare, or in another namespace, is refused', async () => {
    await create('strange.json', '--key', 'stranger');
    expect((await verify('strange.json')).failed['signature']).toMatch(/^it is signed by SHA256:\S+, which is no key of courier-release/);
    const other = execFileSync('ssh-keygen', ['-q', '-Y', 'sign', '-f', join(folder, 'ci'), '-n', 'reseal-approval-v1'], {
      input: '{}',
      encoding: 'utf8',
    });
    const { failed } = await verify(edited('handoff.json', 'other.json', (handoff) => (handoff.signature = other)));
    expect(failed['signature']).toContain('it was made for the namespace "reseal-approval-v1"');
  });

  it('that has expired, or was issued by a clock that is far ahead, is refused', async () => {
    const real = now;
    now = real + 5 * 3_600_000;
    expect((await verify('handoff.json')).failed['time']).toMatch(/^it expired at /);
    now = real - 3_600_000;
    expect((await verify('handoff.json')).failed['time']).toMatch(/which is to come; the clock here or there is wrong$/);
    now = real;
  });

  it.each([
    ['missing', 'nowhere.json', null, 'cannot be read'],
    ['HTML', 'page.json', '<html>log in</html>', 'is no JSON'],
    ['of unknown fields', 'more.json', '{"envelope":{},"signature":"x","more":1}', 'is of another form'],
    ['deeply nested', 'deep.json', `${'['.repeat(100_000)}${']'.repeat(100_000)}`, 'nests more than 64 levels deep'],
  ])('file that is %s is told in a sentence, exit 2', async (_, name, content, says) => {
    if (content !== null) writeFileSync(join(folder, name), content);
    const ran = await reseal('handoff', 'verify', name);
    expect(ran).toMatchObject({ exit: 2, stdout: '' });
    expect(ran.stderr).toContain(says);
    expect(ran.stderr).toContain('expected a handoff, as `reseal handoff create` writes it');
  });

  it.each([
    ['a key that is not there', ['--key', 'nowhere'], /The key \S+nowhere does not sign: /],
    ['a key whose passphrase nobody gives', ['--key', 'locked'], /The key \S+locked does not sign: /],
    ['a pipeline that is not declared', ['--pipeline', 'nobody'], /topology.yaml declares no pipeline nobody/],
    ['a line that is not declared', ['--line', 'ios-other'], /topology.yaml declares no line ios-other\. It declares ios-main/],
  ])('is not made with %s', async (_, options, says) => {
    const ran = await create('none.json', ...options);
    expect(ran.exit).toBe(2);
    expect(ran.stderr).toMatch(says);
    expect(() => readFileSync(join(folder, 'none.json'))).toThrow();
  });

  it('registered is known to the reseal that runs until it expires; a tampered one is not taken', async () => {
    const made = await create('known.json', '--register', '--json');
    expect(made).toMatchObject({ exit: 0 });
    const { handoffs } = (await served.get('/v1/handoffs?line=ios-main')).body as unknown as HandoffListView;
    expect(handoffs).toMatchObject([{ line: 'ios-main', manifest: MANIFEST, pipeline: 'courier-release', job: 'build-7' }]);
    expect(await served.desk.ledger.openHandoffs(Date.now() + 5 * 3_600_000)).toEqual([]);
    const forged = JSON.parse(readFileSync(join(folder, 'known.json'), 'utf8')) as { envelope: Record<string, unknown> };
    forged.envelope['manifest'] = undefined;
    forged.envelope['job'] = 'build-9';
    const refused = await served.post('/v1/handoffs', forged);
    expect(refused).toMatchObject({
      status: 409,
      body: { error: { code: 'REFUSED', details: ['signature: the signature does not count: it does not fit what it is said to sign'] } },
    });
  });
});
