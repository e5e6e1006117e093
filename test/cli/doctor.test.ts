import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkNode } from '../../src/cli/doctor/checks.js';
import type { DoctorCheck } from '../../src/cli/doctor/finding.js';
import { publishEndpoint } from '../../src/cli/home.js';
import { createMesh } from '../../src/simulator/mesh/create.js';
import { simulatedNodes } from '../../src/simulator/mesh/spec.js';
import { reseal } from './terminal.js';

const EXAMPLE = fileURLToPath(new URL('../configuration/example', import.meta.url));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reseal-doctor-'));
  cpSync(EXAMPLE, join(folder, 'reseal'), { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function doctor(env: NodeJS.ProcessEnv = {}) {
  const ran = await reseal(['doctor', '--json'], {
    cwd: folder,
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
    expect({ exit, verdict }).toEqual({ exit: 0, verdict: 'pass' });
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
