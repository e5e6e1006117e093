import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { createMesh } from '../../src/simulator/mesh/create.js';
import { simulatedNodes } from '../../src/simulator/mesh/spec.js';
import { connectClient } from '../../src/temporal/connection.js';
import { keyIdOf } from '../../src/temporal/codec/encryption.js';
import { recordedServer, stopRecorded } from '../../src/temporal/embedded-server.js';
import { payloadsIn } from '../setup/workflow-payloads.js';
import { built, cleanEnv, RunningReseal, runReseal } from './processes.js';

let folder: string;
let home: string;
const running: RunningReseal[] = [];
const env = (): NodeJS.ProcessEnv => cleanEnv(home, { RESEAL_CONFIG: join(folder, 'config') });
const start = async (command: string): Promise<RunningReseal> => {
  const one = RunningReseal.start([command], { env: env() });
  running.push(one);
  await one.says('Ctrl-C ends it.');
  return one;
};
beforeAll(async () => {
  await built();
  folder = mkdtempSync(join(tmpdir(), 'reseal-codec-server-'));
  home = join(folder, 'home');
  await createMesh({ folder, nodes: simulatedNodes(1) });
  const path = join(folder, 'config/reseal.yaml');
  writeFileSync(path, stringify({ ...(parse(readFileSync(path, 'utf8')) as object), codec: {} }));
}, 300_000);
afterAll(async () => {
  for (const one of [...running].reverse()) if (one.child.exitCode === null) await one.stop();
  await stopRecorded(home);
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

it('`up` writes under the key of its home, and `codec-server` reads it to whoever has its token, pages of the embedded UI among them (T3)', async () => {
  await start('up');
  expect((await runReseal(['schedule', 'ensure', '--as', 'rita', '--ticket', 'CHG-1'], { env: env() })).exit).toBe(0);
  const server = recordedServer(home);
  const { connection, namespace } = await connectClient({ address: server?.address ?? '', namespace: 'reseal' });
  const described = await connection.workflowService.describeSchedule({ namespace, scheduleId: 'expiry-scan' });
  await connection.close();
  const sealed = payloadsIn(described).filter((payload) => keyIdOf(payload) !== null);
  const { keys } = JSON.parse((await runReseal(['codec-key', 'list', '--json'], { env: env() })).stdout) as { keys: { id: string }[] };
  expect(new Set(sealed.map(keyIdOf))).toEqual(new Set([`${keys[0]?.id ?? ''}/control`]));

  const codec = await start('codec-server');
  const url = /codec server +(\S+)/.exec(codec.said)?.[1] ?? '';
  const tokenFile = join(home, 'codec-token');
  expect(statSync(tokenFile).mode & 0o777).toBe(0o600);
  const wire = sealed.map(({ metadata, data }) => ({
    metadata: Object.fromEntries(Object.entries(metadata ?? {}).map(([name, value]) => [name, Buffer.from(value).toString('base64')])),
    data: Buffer.from(data ?? []).toString('base64'),
  }));
  const ask = (token: string) =>
    fetch(`${url}/decode`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, origin: `http://127.0.0.1:${server?.uiPort ?? 0}` },
      body: JSON.stringify({ payloads: wire }),
    });
  expect((await ask('another')).status).toBe(401);
  await codec.says('POST /decode was refused');
  const answered = await ask(readFileSync(tokenFile, 'utf8').trim());
  const { payloads } = (await answered.json()) as { payloads: { data: string }[] };
  expect(payloads.map(({ data }) => Buffer.from(data, 'base64').toString())).toContain('{"offset":0}');
  expect(await codec.stop()).toBe(0);
}, 240_000);
