import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NativeConnection } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { presenceOf, serversOf } from '../../src/cli/doctor/serving.js';
import type { DoctorCheck } from '../../src/cli/doctor/finding.js';
import { loadConfiguration } from '../../src/configuration/load.js';
import { identityText, newIdentity } from '../../src/temporal/worker-identity.js';
import { createResealWorker } from '../../src/temporal/workers.js';
import { testConnection } from '../setup/temporal.js';
import { until } from '../setup/until.js';
import { reseal } from './terminal.js';

const EXAMPLE = fileURLToPath(new URL('../configuration/example', import.meta.url));
const NOW = Date.parse('2026-11-26T12:00:00Z');
const heard = (ago: number) => ({ identity: 'mac-1:400:1795000000000:0a1b2c3d:0.1.0', seenAt: NOW - ago });

describe('who serves a node', () => {
  it('is told with version, process, host, since when, and when it was last heard of', () => {
    expect(presenceOf([heard(12_300)], NOW)).toEqual({
      there: true,
      reason: 'reseal 0.1.0 as process 400 on mac-1, since 2026-11-18 11:06 UTC, last heard of 12 seconds ago',
    });
  });

  it('is away after 75 s of silence, and where nobody was heard of at all', () => {
    expect(presenceOf([heard(75_000)], NOW).there).toBe(true);
    expect(presenceOf([heard(76_000)], NOW)).toMatchObject({
      there: false,
      reason: expect.stringMatching(/^nobody takes up its work: reseal/),
    });
    expect(presenceOf([], NOW)).toMatchObject({ there: false, reason: expect.stringContaining('at least 5 minutes') });
  });
});

describe('doctor of a mesh with agents', () => {
  let folder: string;
  let address: string;
  let end: () => Promise<void>;
  const doctor = async () => {
    const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], XDG_STATE_HOME: folder };
    const ran = await reseal(['doctor', '--json'], { cwd: folder, env, now: Date.now() });
    const { checks } = JSON.parse(ran.stdout) as { checks: DoctorCheck[] };
    return { exit: ran.exit, agents: checks.filter(({ check }) => check.startsWith('agent ')) };
  };
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'reseal-doctor-serving-'));
    cpSync(EXAMPLE, join(folder, 'reseal'), { recursive: true });
    execFileSync('git', ['init', '--quiet', '--bare', '-b', 'main', join(folder, 'reseal/store.git')]);
    const temporal = await testConnection();
    address = temporal.address;
    const path = join(folder, 'reseal/reseal.yaml');
    writeFileSync(
      path,
      `${readFileSync(path, 'utf8').replace(
        '{ address: embedded, namespace: reseal }',
        JSON.stringify({ address, namespace: temporal.namespace }),
      )}\ncodec: none\n`,
    );
    const [first] = serversOf(loadConfiguration(join(folder, 'reseal')));
    const connection = await NativeConnection.connect({ address });
    const worker = await createResealWorker({
      connection,
      namespace: temporal.namespace,
      taskQueue: first?.taskQueue ?? '',
      activities: { look: async () => null },
      identity: identityText(newIdentity('mac-1')),
    });
    const running = worker.run();
    end = async () => {
      worker.shutdown();
      await running;
      await connection.close();
    };
  });
  afterAll(async () => {
    await end();
    rmSync(folder, { recursive: true, force: true });
  });

  it('names those that ask for their work, and those that are away with the remedy', async () => {
    let found = await doctor();
    await until(async () => (found = await doctor()).agents[0]?.verdict === 'pass', { what: 'the poll of the agent' });
    expect(found.agents[0]?.reason).toMatch(/^reseal \d+\.\d+\.\d+\S* as process \d+ on mac-1, since .* UTC, last heard of \d+/);
    expect(found.agents.length).toBeGreaterThan(1);
    for (const { check, verdict, remedy } of found.agents.slice(1)) {
      expect(verdict).toBe('away');
      expect(remedy).toContain(`reseal agent run --node ${check.slice('agent '.length)}`);
    }
    expect(found.exit).toBe(3);
  });
});
