import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { findRcodesign } from '../../src/mac/rcodesign.js';
import { stopRecorded } from '../../src/temporal/embedded-server.js';
import { runProcess } from '../../src/temporal/run-process.js';
import { DemoExample, expectCompleted, keychainOf, unpacked } from './demo-example.js';
import { built, cleanEnv, RunningReseal, runReseal } from './processes.js';

// The examples that test/cli/demo-examples.test.ts leaves out, and their failures: a whole rotation each, half a minute to a minute.

const ACME = '9QK4T7XW2B';
const DEPOT = 'D3P0T55K8Q';

let demo: DemoExample;
beforeAll(built, 240_000);
beforeEach(() => {
  demo = new DemoExample(mkdtempSync(join(tmpdir(), 'reseal-demo-examples-')));
});
afterEach(async () => {
  await stopRecorded(demo.home);
  rmSync(demo.home, { recursive: true, force: true });
}, 60_000);

describe('reseal demo --example per-runner-identity', () => {
  it('replaces one certificate where two of three are in use; each runner has what is its own and nothing of the other one (S4)', async () => {
    const ran = await demo.run('per-runner-identity');
    expectCompleted(ran, 'ios-main-1');
    // Never more than Apple permits one team.
    const certificates = demo.certificates(ACME);
    expect(certificates).toHaveLength(3);
    const [first = '', ...others] = demo.identities('ams-run-1');
    const [second = '', ...more] = demo.identities('ams-run-2');
    expect([others, more]).toEqual([[], []]);
    expect(first).toBe(certificates[2]);
    expect(certificates.slice(0, 2)).toContain(second);
    const replaced = certificates.find((sha1) => sha1 !== first && sha1 !== second) ?? '';
    expect(demo.keychains('ams-run-1')).toEqual([keychainOf(first), keychainOf(replaced)].sort());
    expect(demo.searchList('ams-run-1')).toEqual([keychainOf(first)]);
    expect(demo.keychains('ams-run-2')).toEqual([keychainOf(second)]);
    for (const node of demo.nodes) expect(demo.profiles(node)).toEqual(demo.dropped('drop', node));
    expect(demo.profiles('ams-run-1')).not.toEqual(demo.profiles('ams-run-2'));
    // Whose profile is whose is what the approvers saw.
    expect(ran.stdout).toMatch(/^com\.acme\.courier on ams-run-1 +app-store +old .*\n +new .* {2}…[0-9A-F]{6}$/m);
    expect(ran.stdout).toMatch(/^com\.acme\.courier on ams-run-2 +app-store +old .*\n +new .* {2}as before$/m);
    const served = [...ran.stdout.matchAll(/^(ams-run-\d) +([0-9a-f-]{36}) +([0-9a-f-]{36}) +(new) +retire done$/gm)];
    expect(served.map(([, node]) => node)).toEqual(['ams-run-1', 'ams-run-2']);
    for (const [, node = '', old, fresh] of served) {
      expect(demo.inForce('ios-main', node)).toContain(old);
      expect(demo.dropped('drop', node)).toContain(fresh);
    }
  }, 300_000);

  it('comes back to both own identities when the canary fails (R6)', async () => {
    const ran = await demo.run('per-runner-identity', '--fail', 'canary');
    expect(ran.exit, ran.stdout + ran.stderr).toBe(0);
    expect(ran.stdout).toContain('\nios-main-1 rolled-back\n');
    for (const node of demo.nodes) {
      expect(demo.profiles(node)).toEqual(demo.inForce('ios-main', node));
      expect(demo.identities(node)).toHaveLength(1);
    }
    const [, , fresh = ''] = demo.certificates(ACME);
    expect(demo.nodes.flatMap((node) => demo.identities(node))).not.toContain(fresh);
  }, 300_000);
});

describe('reseal demo --example controlled-distribution', () => {
  it('moves pointers on a volume that no node but the publisher can write, and brings the new key to the signers alone (S4)', async () => {
    const ran = await demo.run('controlled-distribution');
    expectCompleted(ran, 'ios-main-1');
    const [old = '', fresh = '', ...others] = demo.certificates(ACME);
    expect(others).toEqual([]);
    const volume = join(demo.home, 'nodes/ams-publish-1/usr/local/var/reseal/mount/ios-main');
    const manifests = readdirSync(join(volume, 'manifests'));
    expect(manifests).toHaveLength(1);
    for (const node of demo.nodes) {
      const pointer = readFileSync(join(volume, 'nodes', node, 'profiles.json'));
      expect(`${createHash('sha256').update(pointer).digest('hex')}.json`).toBe(manifests[0]);
      // Nothing is built on the publisher.
      if (node === 'ams-publish-1') continue;
      expect(demo.profiles(node)).toEqual(demo.dropped('drop'));
      if (!node.includes('-sign-')) continue;
      expect(demo.identities(node)).toEqual([fresh]);
      expect(demo.keychains(node)).toEqual([keychainOf(fresh), keychainOf(old)].sort());
    }
  }, 300_000);
});

describe('reseal demo --example hsm-sidecar', () => {
  const signedBy = (ran: { readonly stdout: string }): readonly (readonly string[])[] =>
    [...ran.stdout.matchAll(/^(\S+) +(ios-main-[0-9a-f]{8}) +(ios-main-[0-9a-f]{8}) +\d+$/gm)].map(([, ...row]) => row);
  const keyFilesOn = (node: string): readonly string[] =>
    readdirSync(demo.nodeHome(node), { recursive: true, withFileTypes: true })
      .map((entry) => entry.name)
      .filter((name) => /\.(p12|pfx|p8|password)$/.test(name));

  it('adds an alias at the sidecar, then binds builds to it; no node ever holds a key, and the index names each signature (S4)', async () => {
    const ran = await demo.run('hsm-sidecar');
    expectCompleted(ran, 'ios-main-1');
    const [old = '', fresh = '', ...others] = demo.certificates(ACME).map((sha1) => `ios-main-${sha1.slice(0, 8)}`);
    expect(others).toEqual([]);
    expect(ran.stdout).toContain(`added to the sidecar: ${fresh}, beside ${old}`);
    expect(signedBy(ran)).toEqual(demo.nodes.map((node) => [node, old, fresh]));
    for (const node of demo.nodes) {
      expect(demo.identities(node)).toEqual([]);
      expect(keyFilesOn(node)).toEqual([]);
      expect(demo.profiles(node)).toEqual(demo.dropped('drop'));
    }
    const index = readFileSync(join(demo.home, 'sidecar/keys/signatures.jsonl'), 'utf8').trimEnd().split('\n');
    const signed = index.map((line) => JSON.parse(line) as { by: string; signature: string; cdHash: string | null; identifier: string });
    expect(signed.filter((one) => one.by.endsWith('in ios-main-1'))).toHaveLength(2 * demo.nodes.length);
    if (findRcodesign() !== null)
      for (const one of signed) expect(one).toMatchObject({ signature: 'made', cdHash: expect.stringMatching(/^[0-9a-f]{40}$/) as string });
    // It has ended with the demo.
    expect(existsSync(join(demo.home, 'sidecar.json'))).toBe(false);
    expect(existsSync(join(demo.home, 'sidecar/run/socket'))).toBe(false);
  }, 300_000);

  it('comes back to the old alias when a node fails while it soaks (R6)', async () => {
    const ran = await demo.run('hsm-sidecar', '--fail', 'soak');
    expect(ran.exit, ran.stdout + ran.stderr).toBe(0);
    expect(ran.stdout).toContain('\nios-main-1 rolled-back\n');
    const [old = ''] = demo.certificates(ACME).map((sha1) => `ios-main-${sha1.slice(0, 8)}`);
    expect(signedBy(ran)).toEqual(demo.nodes.map((node) => [node, old, old]));
    for (const node of demo.nodes) expect(demo.profiles(node)).toEqual(demo.inForce('ios-main'));
  }, 300_000);
});

describe('reseal demo --example isolated-pools', () => {
  it('rotates two lines by one scan, each in its own pool, store and team (S4)', async () => {
    const ran = await demo.run('isolated-pools');
    expectCompleted(ran, 'courier-apps-1', 'depot-apps-1');
    const [, courier = '', ...others] = demo.certificates(ACME);
    const [depot = '', ...more] = demo.certificates(DEPOT);
    expect([others, more]).toEqual([[], []]);
    for (const [pool, identity] of [
      ['courier', courier],
      ['depot', depot],
    ] as const) {
      for (const node of [`${pool}-sign-1`, `${pool}-sign-2`]) {
        expect(demo.identities(node)).toEqual([identity]);
        expect(demo.profiles(node)).toEqual(demo.dropped(pool));
      }
      expect(demo.keychains(`${pool}-build-1`)).toEqual([]);
    }
    const scans = new Set(
      [...ran.stdout.matchAll(/^started by .* whose scan (\S+) started workflow rotation\/(courier|depot)-apps$/gm)].map(
        ([, scan]) => scan,
      ),
    );
    expect(scans.size).toBe(1);
    // Every line of the record says whose it is.
    expect(ran.stdout).toMatch(/^courier-apps {2}\d\d:\d\d:\d\d {2}outcome +completed$/m);
    expect(ran.stdout).toMatch(/^depot-apps {4}\d\d:\d\d:\d\d {2}outcome +completed$/m);
  }, 300_000);

  it('one project fails and comes back, and the other one completes all the same (R6, S4)', async () => {
    const ran = await demo.run('isolated-pools', '--fail', 'canary');
    expect(ran.exit, ran.stdout + ran.stderr).toBe(0);
    expect(ran.stdout).toContain('This run fails on purpose: on courier-apps, a byte of a new profile flips');
    expect(ran.stdout).toContain('\ncourier-apps-1 rolled-back\n');
    expect(ran.stdout).toContain('\ndepot-apps-1 completed\n');
    expect(demo.profiles('courier-sign-1')).toEqual(demo.inForce('courier-apps'));
    expect(demo.profiles('depot-sign-1')).toEqual(demo.dropped('depot'));
    expect(demo.identities('courier-sign-1')).toEqual(demo.certificates(ACME).slice(0, 1));
  }, 300_000);

  it('killed in the middle, is taken up where it was left: both rotations complete, and only these', async () => {
    const first = RunningReseal.start(['demo', '--example', 'isolated-pools'], { env: cleanEnv(demo.home) });
    await first.says(/(courier|depot)-apps +\S+ {2}phase +soaking/, 200_000);
    await first.killHard();
    const second = await demo.run('isolated-pools');
    expectCompleted(second, 'courier-apps-1', 'depot-apps-1');
    expect(second.stdout).toContain(`Taking up courier-apps-1 and depot-apps-1 in ${demo.home} where it was left.`);
  }, 400_000);
});

describe('reseal demo --example dedicated-signer', () => {
  // The other failures of the demo are tried on its own mesh (demo-endings.heavy.test.ts), and on signers in certificate.heavy.test.ts.
  it('comes back when nodes fail in the soak: the old certificate signs again, on both signers (R6)', async () => {
    const ran = await demo.run('dedicated-signer', '--fail', 'soak');
    expect(ran.exit, ran.stdout + ran.stderr).toBe(0);
    expect(ran.stdout).toContain('\nios-main-1 rolled-back\n  because 2 nodes are unhealthy, 1 may be');
    const [old = ''] = demo.certificates(ACME);
    for (const node of ['ams-sign-1', 'ams-sign-2']) {
      expect(demo.identities(node)).toEqual([old]);
      expect(demo.profiles(node)).toEqual(demo.inForce('ios-main'));
    }
  }, 300_000);

  it('rotates outside its unlock window too, and leaves the keychains locked (S5)', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'reseal-demo-window-'));
    try {
      const installed = await unpacked(folder);
      const topology = join(installed, 'examples/topologies/dedicated-signer/topology.yaml');
      const written = readFileSync(topology, 'utf8');
      const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
      const closed = written.replace(/days: \[.*?\]/, `days: [${days[(new Date().getDay() + 3) % 7] ?? ''}]`);
      expect(closed).not.toBe(written);
      writeFileSync(topology, closed);
      const script = join(installed, 'scripts/reseal.mjs');
      const ran = await runProcess(process.execPath, [script, 'demo', '--example', 'dedicated-signer'], {
        timeout: 280_000,
        env: cleanEnv(demo.home),
      });
      expectCompleted({ exit: ran.code, stdout: ran.stdout, stderr: ran.stderr }, 'ios-main-1');
      const [, fresh = ''] = demo.certificates(ACME);
      for (const node of ['ams-sign-1', 'ams-sign-2']) {
        expect(demo.identities(node)).toEqual([fresh]);
        expect(ran.stdout).toMatch(new RegExp(`^${node} .* ${keychainOf(fresh)} \\(locked\\) +reseal-`, 'm'));
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }, 400_000);

  it('reopened by `up`, is rolled back by whom its roster lets: the old identity comes out of its keychain again (R7)', async () => {
    expectCompleted(await demo.run('dedicated-signer'), 'ios-main-1');
    const [old = '', fresh = ''] = demo.certificates(ACME);
    const reopened = RunningReseal.start(['up', '--home', demo.home], { env: cleanEnv(demo.home) });
    try {
      await reopened.says('Ctrl-C ends it.');
      const asked = await runReseal(['rotation', 'rollback', 'ios-main-1', '--as', 'bogdan', '--ticket', 'INC-1'], {
        env: cleanEnv(demo.home),
      });
      expect(asked.exit, asked.stderr).toBe(0);
      const watched = await runReseal(['rotation', 'watch', 'ios-main-2'], { env: cleanEnv(demo.home) });
      expect(watched.exit, watched.stdout + watched.stderr).toBe(0);
    } finally {
      expect(await reopened.stop()).toBe(0);
    }
    for (const node of ['ams-sign-1', 'ams-sign-2']) {
      expect(demo.identities(node)).toEqual([old]);
      expect(demo.searchList(node)).not.toContain(keychainOf(fresh));
    }
  }, 400_000);
});
