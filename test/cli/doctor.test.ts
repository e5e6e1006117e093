import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { GitManifestStore } from '../../activities/manifest-store/git.js';
import { loadConfiguration } from '../../src/configuration/load.js';
import type { RosterAdoption, SignedAdoption } from '../../src/domain/adopted-rosters.js';
import type { LineName, Sha256 } from '../../src/domain/brands.js';
import { canonicalBytes } from '../../src/statement/canonical.js';
import { canonicalDigest } from '../../src/statement/person.js';
import { makeSshKey, sshSign, type SshKey } from '../setup/ssh-keys.js';
import { checkNode } from '../../src/cli/doctor/checks.js';
import type { DoctorCheck } from '../../src/cli/doctor/finding.js';
import { publishEndpoint } from '../../src/cli/home.js';
import { createMesh } from '../../src/simulator/mesh/create.js';
import { simulatedNodes } from '../../src/simulator/mesh/spec.js';
import { reseal } from './terminal.js';

const NOW = Date.parse('2026-11-28T12:00:00Z');
const EXAMPLE = fileURLToPath(new URL('../configuration/example', import.meta.url));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reseal-doctor-'));
  cpSync(EXAMPLE, join(folder, 'reseal'), { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function doctor(env: NodeJS.ProcessEnv = {}, now = 0) {
  const ran = await reseal(['doctor', '--json'], {
    cwd: folder,
    now,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], XDG_STATE_HOME: folder, ...env },
  });
  const view = JSON.parse(ran.stdout) as { verdict: string; checks: DoctorCheck[] };
  return { exit: ran.exit, verdict: view.verdict, check: (name: string) => view.checks.find((one) => one.check === name)! };
}

describe('doctor', () => {
  it('passes where everything is there, and says what it found', async () => {
    const store = join(folder, 'reseal', 'store.git');
    execFileSync('git', ['init', '--quiet', '--bare', '-b', 'main', store]);
    const { exit, verdict, check } = await doctor();
    expect(check('configuration')).toMatchObject({ verdict: 'pass', reason: `${join(folder, 'reseal')}: 4 nodes` });
    expect(check('git').reason).toMatch(/^git version/);
    expect(check('temporal').reason).toMatch(/^embedded: /);
    expect(check('database').reason).toBe('embedded, in the home');
    expect(check('store main')).toMatchObject({ verdict: 'pass', reason: `${store}: nothing in it yet` });
    expect(check('roster')).toMatchObject({ verdict: 'later', reason: expect.stringContaining('not adopted yet') });
    expect({ exit, verdict }).toEqual({ exit: 0, verdict: 'pass' });
  });

  it('fails where a node is not simulated and nobody has adopted the roster, or one person alone since yesterday (T2)', async () => {
    const key = makeSshKey(folder, 'bogdan');
    const other = makeSshKey(folder, 'carla');
    const file = join(folder, 'reseal', 'roster.yaml');
    const declared = parse(readFileSync(file, 'utf8')) as {
      readonly persons: readonly { readonly id: string; readonly roles: readonly string[] }[];
    };
    const [alice, bogdan] = declared.persons;
    const carla = { id: 'carla', name: 'Carla Ruiz', roles: bogdan?.roles, keys: [{ kind: 'ssh', public: other.line }] };
    writeFileSync(file, stringify({ ...declared, persons: [alice, { ...bogdan, keys: [{ kind: 'ssh', public: key.line }] }, carla] }));
    const { roster, topology } = loadConfiguration(join(folder, 'reseal'));
    const digest = canonicalDigest(roster);
    const adoption = (who: SshKey, person: string, age: number): SignedAdoption => {
      const at = NOW - age;
      const statement = {
        ...{
          schemaVersion: 1,
          says: 'roster-adopt',
          installation: topology.installation,
          person,
          ticket: 'CHG-1',
          number: 1,
          roster: digest,
        },
        ...{ previous: null, nonce: '0'.repeat(32), issuedAt: new Date(at).toISOString(), expiresAt: new Date(at + 60_000).toISOString() },
      } as RosterAdoption;
      return { statement, signature: sshSign(who, canonicalBytes(statement), 'reseal-approval-v1') };
    };
    const store = await GitManifestStore.open({ path: join(folder, 'reseal', 'store.git') });
    await store.create();
    await store.advance('ios-main' as LineName, 0, 'a'.repeat(64) as Sha256, {});
    const adoptedBy = async (...adoptions: readonly SignedAdoption[]): Promise<DoctorCheck> => {
      if (adoptions.length > 0) await store.changeRosters(topology.installation, () => ({ steps: [{ roster, adoptions }] }), {});
      return (await doctor({}, NOW)).check('roster');
    };
    expect(await adoptedBy()).toMatchObject({
      verdict: 'fail',
      reason: expect.stringContaining('not adopted: nobody has'),
      remedy: expect.stringContaining('reseal roster adopt'),
    });
    const day = 86_400_000;
    const young = await adoptedBy(adoption(key, 'bogdan', day));
    expect(young).toMatchObject({
      verdict: 'fail',
      reason: expect.stringContaining('carla was added by roster 1, which bogdan adopted alone'),
    });
    expect(await adoptedBy(adoption(key, 'bogdan', 8 * day))).toMatchObject({
      verdict: 'pass',
      reason: expect.stringContaining('roster 1, adopted by bogdan alone'),
    });
    expect(await adoptedBy(adoption(key, 'bogdan', day), adoption(other, 'carla', day))).toMatchObject({
      verdict: 'pass',
      reason: 'roster 1, adopted by bogdan, carla',
    });
    await store.close();
  });

  it('fails on a configuration that is wrong, with every finding, and still does the other checks', async () => {
    writeFileSync(join(folder, 'reseal/policy.yaml'), 'schemaVersion: 1\nscan: {}\n');
    const { exit, check } = await doctor();
    expect(exit).toBe(1);
    expect(check('configuration')).toMatchObject({ verdict: 'fail', remedy: 'policy.yaml:2 scan.ticket: found nothing, expected a text' });
    expect(check('git').verdict).toBe('pass');
  });

  it('fails on a Temporal server and a database that do not answer', async () => {
    const path = join(folder, 'reseal/reseal.yaml');
    writeFileSync(
      path,
      readFileSync(path, 'utf8')
        .replace('address: embedded', 'address: "127.0.0.1:1"')
        .replace('database: embedded', 'database: env:RESEAL_DATABASE_URL'),
    );
    const { exit, check } = await doctor({ RESEAL_DATABASE_URL: 'postgres://reseal:hunter2@127.0.0.1:1/reseal' });
    expect(exit).toBe(1);
    expect(check('temporal')).toMatchObject({
      verdict: 'fail',
      reason: expect.stringContaining('Temporal at 127.0.0.1:1 does not answer'),
    });
    expect(check('database')).toMatchObject({ verdict: 'fail', reason: expect.stringContaining('does not answer') });
    expect(check('database').reason).not.toContain('hunter2');
  });

  it('fails on a database whose address is not set', async () => {
    const path = join(folder, 'reseal/reseal.yaml');
    writeFileSync(path, readFileSync(path, 'utf8').replace('database: embedded', 'database: env:RESEAL_DATABASE_URL'));
    expect((await doctor()).check('database')).toMatchObject({ verdict: 'fail', reason: 'RESEAL_DATABASE_URL is not set' });
  });

  it('looks at the demo that runs where no configuration is named, as all other commands do; manifests are read there too', async () => {
    const home = join(folder, 'reseal/demo');
    const mesh = await createMesh({ folder: home, nodes: simulatedNodes(2) });
    rmSync(join(folder, 'reseal/topology.yaml'));
    const api = createServer((_request, response) => response.end('{}'));
    await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(api.address() as AddressInfo).port}`;
    publishEndpoint(home, { url, tokenFile: null, pid: process.pid, config: mesh.folders.config });
    try {
      const { exit, check } = await doctor();
      expect(check('configuration')).toMatchObject({ verdict: 'pass', reason: expect.stringContaining(`${mesh.folders.config}: 2 nodes`) });
      expect(check('home').reason).toContain(`${home}, used by process ${process.pid} at ${url}`);
      expect(exit).toBe(0);
      const env = { PATH: process.env['PATH'], XDG_STATE_HOME: folder };
      const shown = await reseal(['manifest', 'sha', mesh.line, '--json'], { cwd: folder, env });
      expect(JSON.parse(shown.stdout)).toMatchObject({ line: mesh.line, sha256: mesh.manifest });
      const verified = await reseal(['manifest', 'verify', mesh.line], { cwd: folder, env });
      expect(verified).toMatchObject({ exit: 0, stdout: expect.stringContaining(`Manifest ${mesh.manifest} holds.`) });
    } finally {
      api.close();
    }
  });

  it('says how to get a Temporal CLI and git where there is none', async () => {
    const { check } = await doctor({ PATH: folder, XDG_CACHE_HOME: folder });
    expect(check('git')).toMatchObject({ verdict: 'fail', remedy: expect.stringContaining('Install git') });
    expect(check('temporal')).toMatchObject({ verdict: 'fail', reason: expect.stringContaining('RESEAL_TEMPORAL_CLI') });
  });

  it('asks for Node.js 20.19 or later', () => {
    expect(checkNode('20.18.3').verdict).toBe('fail');
    expect(['20.19.0', '22.1.0', '24.0.0'].map((version) => checkNode(version).verdict)).toEqual(['pass', 'pass', 'pass']);
  });
});
