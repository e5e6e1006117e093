import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { readMachO } from '../../src/mac/code-signature.js';
import { findRcodesign } from '../../src/mac/rcodesign.js';
import { stubApp } from '../../src/mac/stub-app.js';
import type { DistributionCertificate } from '../../src/simulator/apple-hierarchy.js';
import { built, cleanEnv, RESEAL, runReseal } from '../cli/processes.js';
import { until } from '../setup/until.js';
import { SidecarWorld } from './sidecar-world.js';

const needsRcodesign = it.skipIf(findRcodesign() === null);
const isRoot = process.getuid?.() === 0;
/** Any two accounts with one group. */
const [SIDECAR, BUILDS, GROUP] = [65_534, 1, 65_534];

let world: SidecarWorld;
let identity: DistributionCertificate;
let alias: string;
beforeAll(built, 240_000);
beforeEach(async () => {
  world = await SidecarWorld.make();
  identity = await world.issue();
  alias = `ios-main-${identity.sha1.slice(0, 8)}`;
  world.declare({ [alias]: world.keep('main', identity) });
});
afterEach(() => world.dispose());

function app(): string {
  for (const { path, bytes, mode } of stubApp({ name: 'Courier', bundleId: 'com.acme.courier' })) {
    mkdirSync(dirname(world.at(`build/${path}`)), { recursive: true });
    writeFileSync(world.at(`build/${path}`), bytes, { mode });
  }
  return world.at('build/Courier.app');
}
const ran = (...args: readonly string[]) => runReseal(['sidecar', ...args, '--socket', world.socket], { env: cleanEnv(world.folder) });

needsRcodesign(
  'reseal sidecar sign puts the signed bundle in the place of the unsigned one, and leaves nothing with the sidecar',
  async () => {
    await world.start();
    const bundle = app();
    const signed = await ran('sign', bundle, '--alias', alias, '--by', 'courier-release 7', '--json');
    expect([signed.exit, signed.stderr]).toEqual([0, '']);
    const code = readMachO(readFileSync(join(bundle, 'Courier')))?.signature?.codeDirectory;
    expect(code?.identifier).toBe('com.acme.courier');
    expect(JSON.parse(signed.stdout)).toMatchObject({
      schemaVersion: 1,
      alias,
      certificate: identity.sha1,
      signature: 'made',
      codes: [{ path: 'Courier' }],
    });
    expect(world.records()).toMatchObject([{ by: 'courier-release 7', alias }]);
    expect(readdirSync(world.exchange)).toEqual([]);
    expect(readdirSync(world.at('build'))).toEqual(['Courier.app']);
  },
);

it('reseal sidecar aliases and sign: what is away, missing or expired, with the exit codes of every command', async () => {
  const away = await ran('aliases');
  expect([away.exit, away.stderr]).toEqual([
    3,
    expect.stringMatching(/^The signing sidecar is not there: .*Start `reseal sidecar run` there\.\n$/),
  ]);
  const old = await world.issue({ notAfter: new Date(Date.now() - 1000) });
  world.declare({ [alias]: world.keep('main', identity), old: world.keep('old', old) }, { signer: 'stand-in' });
  await world.start();
  const shown = await ran('aliases');
  expect(shown.exit).toBe(1);
  expect(shown.stdout).toContain(`${alias}  ${identity.sha1.slice(0, 8)}`);
  expect(shown.stdout).toContain('old cannot sign: its certificate has expired\n');
  const bundle = app();
  const unknown = await ran('sign', bundle, '--alias', 'android');
  expect([unknown.exit, unknown.stderr]).toEqual([2, `The sidecar has no alias android; it has ${alias}, old.\n`]);
  const expired = await ran('sign', bundle, '--alias', 'old');
  expect([expired.exit, expired.stderr]).toEqual([4, expect.stringContaining('the certificate of old expired')]);
  const standIn = await ran('sign', bundle, '--alias', alias);
  expect([standIn.exit, standIn.stdout]).toEqual([1, expect.stringContaining('NOT signed')]);
  expect(readdirSync(world.exchange)).toEqual([]);
});

it.skipIf(!isRoot)('sidecar and build of two accounts with one group work in one folder (needs root to become two accounts)', async () => {
  world.declare({ [alias]: world.keep('main', identity) }, { signer: 'stand-in' });
  chmodSync(world.folder, 0o755);
  const give = (path: string, owner: number): void => {
    chownSync(path, owner, GROUP);
    if (statSync(path).isDirectory()) for (const name of readdirSync(path)) give(join(path, name), owner);
  };
  const bundle = app();
  give(world.at('keys'), SIDECAR);
  chmodSync(world.at('keys'), 0o700);
  give(world.at('run'), SIDECAR);
  give(world.at('build'), BUILDS);
  const env = { PATH: process.env['PATH'], HOME: world.folder };
  const sidecar = spawn(process.execPath, [RESEAL, 'sidecar', 'run', '--file', world.file], {
    uid: SIDECAR,
    gid: GROUP,
    env,
    stdio: 'ignore',
  });
  try {
    await until(() => existsSync(world.socket), { what: 'the sidecar' });
    const args = [RESEAL, 'sidecar', 'sign', bundle, '--alias', alias, '--socket', world.socket];
    const signed = spawnSync(process.execPath, [...args, '--json'], { uid: BUILDS, gid: GROUP, env, encoding: 'utf8' });
    expect(signed.stderr).toBe('');
    expect(JSON.parse(signed.stdout)).toMatchObject({ signature: 'stand-in', certificate: identity.sha1 });
    expect(statSync(join(bundle, '_CodeSignature/unsigned-stand-in')).uid).toBe(BUILDS);
    expect(world.records()).toMatchObject([{ account: BUILDS }]);
    expect(readdirSync(world.exchange)).toEqual([]);
    // Of neither the keys nor the folder of the socket is anything the build's.
    const asBuild = (command: string) => spawnSync('/bin/sh', ['-c', command], { uid: BUILDS, gid: GROUP }).status;
    expect(asBuild(`cat '${world.at('keys/main.p12')}'`)).not.toBe(0);
    expect(asBuild(`rm '${world.socket}'`)).not.toBe(0);
    expect(asBuild(`ls '${world.at('run/work')}'`)).not.toBe(0);
    // A stranger of no group is not let near.
    const stranger = spawnSync(process.execPath, args, { uid: 2, gid: 2, env, encoding: 'utf8' });
    expect([stranger.status, stranger.stderr]).toEqual([3, expect.stringContaining('this account may not look into the folder')]);
  } finally {
    sidecar.kill('SIGKILL');
    await once(sidecar, 'exit');
  }
});
