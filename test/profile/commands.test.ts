import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CommandEntry } from '../../src/cli/commands.js';
import { run } from '../../src/cli/main.js';
import { sha256Hex } from '../../src/profile/index.js';
import { appleProfile, appleProfilePath } from './support.js';

const ENTRIES: readonly CommandEntry[] = [
  { path: 'profile inspect', description: 'inspect', load: () => import('../../src/cli/profile/inspect.js') },
  { path: 'profile verify', description: 'verify', load: () => import('../../src/cli/profile/verify.js') },
  { path: 'profile import', description: 'import', load: () => import('../../src/cli/profile/import.js') },
];

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reseal-command-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function reseal(...argv: string[]) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const exit = await run(argv, { stdout, stderr, env: {}, cwd: folder, now: () => Date.parse('2024-06-22T12:00:00Z') }, ENTRIES);
  return { exit, out: String(stdout.read() ?? ''), err: String(stderr.read() ?? '') };
}

function configure(): void {
  mkdirSync(join(folder, 'reseal'));
  const put = (name: string, text: string): void => writeFileSync(join(folder, 'reseal', name), `schemaVersion: 1\n${text}`);
  put(
    'topology.yaml',
    `installation: acme-test
lines: {ios-main: {identity: signers, distribution: copy, profilesOn: [signer], store: main, sources: [drop], successorOwner: alice}}
defaults: {environment: simulated, lines: [ios-main], image: tahoe-1}
nodes: [{name: ams-sign-1, region: eu-west, roles: [signer], keys: allowed}]
`,
  );
  put('policy.yaml', 'scan: {ticket: CHG-1}\n');
  put(
    'roster.yaml',
    'persons: [{id: alice, name: Alice, roles: [importer], keys: []}]\nroles: {importer: [import], release-leads: [], oncall: []}\n',
  );
  put('reseal.yaml', 'stores: {main: {kind: git, url: ./store.git, branch: main}}\nsources: {drop: {kind: drop, path: ./drop}}\n');
}

describe('reseal profile … on the command line (P1)', () => {
  it('inspects without any configuration, as JSON and as text', async () => {
    const json = await reseal('profile', 'inspect', appleProfilePath('c3e20987'), '--json');
    expect(json.exit).toBe(0);
    expect(JSON.parse(json.out)).toMatchObject({
      schemaVersion: 1,
      profiles: [{ uuid: 'c3e20987-ffea-4d11-b037-e8bf0a102561', signature: { status: 'valid' } }],
    });
    const text = await reseal('profile', 'inspect', appleProfilePath('c3e20987'));
    expect(text.out).toMatch(/expires {6}2024-06-28 .*\(in 6 days 3 hours\)/);
  });

  it('exits 1 for a file that is no profile, and 2 without a file', async () => {
    writeFileSync(join(folder, 'x.mobileprovision'), '');
    expect(await reseal('profile', 'verify', 'x.mobileprovision')).toMatchObject({
      exit: 1,
      out: expect.stringContaining('an empty file'),
    });
    expect((await reseal('profile', 'inspect', 'x.mobileprovision', '--json')).exit).toBe(1);
    expect((await reseal('profile', 'verify')).exit).toBe(2);
  });

  it('imports into no store that is not there: what looks new may only be away (invariant 6)', async () => {
    configure();
    const refused = await reseal('profile', 'import', appleProfilePath('c3e20987'), '--by', 'alice', '--ticket', 'CHG-42');
    const store = join(folder, 'reseal', 'store.git');
    expect(refused).toMatchObject({ exit: 3, err: expect.stringContaining(`The store main (${store}) cannot be used: it is gone`) });
    expect(existsSync(store)).toBe(false);
  });

  it('imports into the store of the configuration', async () => {
    configure();
    execFileSync('git', ['init', '--quiet', '--bare', '-b', 'main', join(folder, 'reseal', 'store.git')]);
    const done = await reseal('profile', 'import', appleProfilePath('c3e20987'), '--by', 'alice', '--ticket', 'CHG-42');
    expect(done).toMatchObject({ exit: 0, out: expect.stringContaining('Imported 1 profile as alice.') });
    const path = `profiles/${sha256Hex(appleProfile('c3e20987'))}.mobileprovision`;
    const stored = execFileSync('git', ['--git-dir', join(folder, 'reseal', 'store.git'), 'show', `main:${path}`], { maxBuffer: 1 << 20 });
    expect(Buffer.compare(stored, appleProfile('c3e20987'))).toBe(0);
  });

  it('imports nothing for a stranger or under something that is no ticket (S12)', async () => {
    configure();
    const path = appleProfilePath('c3e20987');
    expect(await reseal('profile', 'import', path, '--by', 'mallory', '--ticket', 'CHG-42')).toMatchObject({
      exit: 4,
      err: expect.stringContaining('mallory may not import'),
    });
    expect(await reseal('profile', 'import', path, '--by', 'alice', '--ticket', 'later')).toMatchObject({
      exit: 4,
      err: expect.stringContaining('no ticket id'),
    });
    const odd = await reseal('profile', 'import', path, '--by', 'alice\u001b[2J', '--ticket', 'CHG-42\nBy: bob');
    expect(odd).toMatchObject({ exit: 2, err: expect.stringMatching(/--by: found U\+001B[^]*--ticket: found U\+000A/) });
    expect(odd.err).not.toContain('\u001b[2J');
  });
});
