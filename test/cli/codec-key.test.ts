import { cpSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from '@temporalio/client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import type { DoctorCheck } from '../../src/cli/doctor/finding.js';
import { serversOf } from '../../src/cli/doctor/serving.js';
import { loadConfiguration } from '../../src/configuration/load.js';
import { identityText, newIdentity } from '../../src/temporal/worker-identity.js';
import { parseKeys } from '../../src/temporal/codec/key-file.js';
import { encryptingCodec } from '../../src/temporal/codec/encryption.js';
import { controlRing } from '../../src/temporal/codec/key-ring.js';
import { dataConverter } from '../../src/temporal/data-converter.js';
import { createResealWorker } from '../../src/temporal/workers.js';
import { testConnection, uniqueTaskQueue } from '../setup/temporal.js';
import { until } from '../setup/until.js';
import { reseal } from './terminal.js';

const EXAMPLE = fileURLToPath(new URL('../configuration/example', import.meta.url));
const DAY = 86_400_000;

let folder: string;
let file: string;
const command = async (args: readonly string[], now = Date.now()) => {
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], XDG_STATE_HOME: folder };
  const ran = await reseal([...args, '--json'], { cwd: folder, env, now });
  return { exit: ran.exit, said: JSON.parse(ran.stdout) as Record<string, never>, all: `${ran.stdout}${ran.stderr}` };
};
const declare = async (codec: unknown): Promise<void> => {
  const { address, namespace } = await testConnection();
  const path = join(folder, 'reseal/reseal.yaml');
  const text = readFileSync(path, 'utf8').replace('{ address: embedded, namespace: reseal }', JSON.stringify({ address, namespace }));
  writeFileSync(path, `${text}\ncodec: ${JSON.stringify(codec)}\n`);
};
const keys = () => parseKeys(readFileSync(file, 'utf8'), file);
/** A client of the control plane that has the keys of the file. */
const encryptingClient = async (): Promise<Client> => {
  const { connection, namespace } = await testConnection();
  const codec = encryptingCodec({ ring: controlRing(keys(), file), servedBy: () => 'control' });
  return new Client({ connection, namespace, dataConverter: dataConverter(codec) });
};
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reseal-codec-key-'));
  cpSync(EXAMPLE, join(folder, 'reseal'), { recursive: true });
  file = join(folder, 'reseal/control.json');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('codec keys', () => {
  it('are made for this account alone, changed in two steps, handed out by node, and never shown', async () => {
    await declare({ control: { file: 'control.json' }, nodes: { file: 'nodes.json' } });
    expect((await command(['codec-key', 'list'])).said).toMatchObject({ error: { code: 'SOURCE_REFUSED' } });
    const first = await command(['codec-key', 'new']);
    const second = await command(['codec-key', 'new']);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(keys().map(({ status }) => status)).toEqual(['active', 'read-only']);
    const [one = '', two = ''] = keys().map(({ id }) => id);
    const activated = await command(['codec-key', 'activate', two]);
    expect(keys().map(({ status }) => status)).toEqual(['read-only', 'active']);
    expect((await command(['codec-key', 'activate', two])).exit).toBe(4);
    expect((await command(['codec-key', 'activate', 'k20200101-000000'])).exit).toBe(2);

    const target = join(folder, 'for-ams.json');
    const out = await command(['codec-key', 'hand-out', '--for', 'node/ams-build-1', 'gateway/eu-west', '--to', target]);
    expect(statSync(target).mode & 0o777).toBe(0o600);
    const handed = parseKeys(readFileSync(target, 'utf8'), target);
    expect(handed.map(({ id, for: audience, status }) => [id, audience, status])).toEqual([
      [one, 'node/ams-build-1', 'read-only'],
      [two, 'node/ams-build-1', 'active'],
      [one, 'gateway/eu-west', 'read-only'],
      [two, 'gateway/eu-west', 'active'],
    ]);
    expect((await command(['codec-key', 'hand-out', '--for', 'control', '--to', target])).exit).toBe(2);
    expect((await command(['codec-key', 'hand-out', '--for', 'node/ams-build-1', '--to', file])).exit).toBe(2);
    const listed = await command(['codec-key', 'list']);
    const said = [first, second, activated, out, listed].map(({ all }) => all).join('');
    for (const { key } of [...keys(), ...handed]) expect(said).not.toContain(Buffer.from(key).toString('base64url'));
  });

  it('of a file that others may read are refused', async () => {
    await declare({ control: { file: 'control.json' } });
    await command(['codec-key', 'new']);
    writeFileSync(join(folder, 'open.json'), readFileSync(file), { mode: 0o644 });
    const { exit, all } = await command(['codec-key', 'list', '--file', 'open.json']);
    expect(exit).toBe(2);
    expect(all).toContain('can be read by other accounts; give it mode 0600');
  });

  it('are retired when Temporal needs them no more, and not before: retention, runs of their time, schedules', async () => {
    await declare({ control: { file: 'control.json' } });
    const begin = Date.now();
    await command(['codec-key', 'new'], begin);
    await command(['codec-key', 'new'], begin);
    const [one = '', two = ''] = keys().map(({ id }) => id);
    const client = await encryptingClient();
    const scheduleId = uniqueTaskQueue('codec-schedule');
    const schedule = await client.schedule.create({
      scheduleId,
      spec: { intervals: [{ every: '30 days' }] },
      action: { type: 'startWorkflow', workflowType: 'nothing', taskQueue: scheduleId, args: ['said under the first key'] },
      state: { paused: true },
    });
    try {
      expect((await command(['codec-key', 'retire', one])).said).toMatchObject({ error: { code: 'REFUSED' } });
      await command(['codec-key', 'activate', two], begin);
      const early = await command(['codec-key', 'retire', one], begin);
      expect(early.exit).toBe(4);
      expect(early.all).toContain('is kept until');
      expect(early.all).toContain(`the schedule ${scheduleId} is under it`);
      // Long after its time, but for the schedule.
      await command(['codec-key', 'activate', one], begin - 60 * DAY);
      await command(['codec-key', 'activate', two], begin - 50 * DAY);
      const late = (await command(['codec-key', 'retire', one])).said as unknown as { error: { details: string[] } };
      expect(late.error.details).toEqual([expect.stringContaining(`the schedule ${scheduleId}`)]);
    } finally {
      await schedule.delete();
    }
    expect(await command(['codec-key', 'retire', one])).toMatchObject({ exit: 0 });
    expect(keys().map(({ id }) => id)).toEqual([two]);
    expect((await command(['codec-key', 'retire', two])).exit).toBe(4);
  });
});

describe('doctor', () => {
  const codecChecks = async (): Promise<readonly DoctorCheck[]> => {
    const { said } = await command(['doctor']);
    return (said as unknown as { checks: DoctorCheck[] }).checks.filter(({ check }) => check.startsWith('codec'));
  };

  it('says where payloads are plain though nodes are real, and is content where that is declared', async () => {
    const path = join(folder, 'reseal/reseal.yaml');
    const { address, namespace } = await testConnection();
    const text = readFileSync(path, 'utf8').replace('{ address: embedded, namespace: reseal }', JSON.stringify({ address, namespace }));
    writeFileSync(path, text);
    expect(await codecChecks()).toMatchObject([{ check: 'codec', verdict: 'fail' }]);
    writeFileSync(path, `${text}\ncodec: none\n`);
    expect(await codecChecks()).toMatchObject([{ check: 'codec', verdict: 'pass' }]);
  });

  it('names the workers that do not read the active key, and those that still write with the one before it', async () => {
    await declare({ control: { file: 'control.json' } });
    // All tests share one server, and others look who takes up the work of the example's nodes.
    const topologyFile = join(folder, 'reseal/topology.yaml');
    const topology = parse(readFileSync(topologyFile, 'utf8')) as { nodes: { name: string }[] };
    writeFileSync(
      topologyFile,
      stringify({ ...topology, nodes: topology.nodes.map((node) => ({ ...node, name: uniqueTaskQueue('mac') })) }),
    );
    await command(['codec-key', 'new']);
    await command(['codec-key', 'new']);
    const [one = '', two = ''] = keys().map(({ id }) => id);
    await command(['codec-key', 'activate', two]);
    const { native, namespace } = await testConnection();
    const queues = serversOf(loadConfiguration(join(folder, 'reseal'))).map(({ taskQueue }) => taskQueue);
    const having: readonly (readonly [string, readonly string[]])[] = [
      ['mac-without', []],
      ['mac-late', [one, two]],
      ['mac-ready', [two, one]],
    ];
    const workers = await Promise.all(
      having.map(([host, has], position) =>
        createResealWorker({
          ...{ connection: native, namespace, taskQueue: queues[position % queues.length] ?? '' },
          activities: { look: async () => null },
          identity: identityText(newIdentity(host, has)),
        }),
      ),
    );
    const ends = workers.map((worker) => worker.run());
    try {
      const reason = await until(async () => {
        const found = (await codecChecks()).find(({ check }) => check === 'codec workers')?.reason ?? '';
        return ['mac-without', 'mac-late'].every((host) => found.includes(host)) ? found : null;
      });
      expect(reason).toMatch(new RegExp(`on mac-without .* does not read ${two}`));
      expect(reason).toMatch(new RegExp(`on mac-late .* still writes with ${one}`));
      expect(reason).not.toContain('mac-ready');
    } finally {
      for (const worker of workers) worker.shutdown();
      await Promise.all(ends);
    }
  });

  it('names what needs a key that the file no longer has', async () => {
    await declare({ control: { file: 'control.json' } });
    await command(['codec-key', 'new']);
    const [gone] = keys();
    const client = await encryptingClient();
    const taskQueue = uniqueTaskQueue('codec-waiting');
    const handle = await client.workflow.start('nothing', { workflowId: taskQueue, taskQueue, args: ['said under a key that goes'] });
    try {
      rmSync(file);
      await command(['codec-key', 'new']);
      await expect
        .poll(async () => (await codecChecks()).find(({ check }) => check === 'codec kept')?.reason, { timeout: 30_000, interval: 500 })
        .toBe(`the workflow ${taskQueue} is under ${gone?.id ?? ''}, which the key file does not have`);
    } finally {
      await handle.terminate();
    }
  });
});
