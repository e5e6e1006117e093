import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createMesh } from '../../src/simulator/mesh/create.js';
import { simulatedNodes } from '../../src/simulator/mesh/spec.js';
import { stopRecorded } from '../../src/temporal/embedded-server.js';
import { isRunning } from '../../src/temporal/process-identity.js';
import { built, cleanEnv, RunningReseal, runReseal } from './processes.js';

let folder: string;
beforeAll(async () => {
  await built();
  folder = mkdtempSync(join(tmpdir(), 'reseal-up-'));
  await createMesh({ folder, nodes: simulatedNodes(1) });
}, 240_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let home: string;
const running: RunningReseal[] = [];
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'reseal-up-home-'));
});
afterEach(async () => {
  for (const one of running.splice(0)) if (one.child.exitCode === null) await one.stop();
  await stopRecorded(home);
  rmSync(home, { recursive: true, force: true });
}, 60_000);

const env = (): NodeJS.ProcessEnv => cleanEnv(home, { RESEAL_CONFIG: join(folder, 'config') });

async function up(): Promise<RunningReseal> {
  const one = RunningReseal.start(['up'], { env: env() });
  running.push(one);
  await one.says('Ctrl-C ends it.');
  return one;
}

const temporal = (): { pid: number; startTime: string } =>
  JSON.parse(readFileSync(join(home, 'temporal.json'), 'utf8')) as { pid: number; startTime: string };

describe('reseal up', () => {
  it('refuses a second one on the same home and names the first; ends with everything it started', async () => {
    const first = await up();
    const second = await runReseal(['up'], { env: env() });
    expect(second.exit).toBe(4);
    const { url } = JSON.parse(readFileSync(join(home, 'endpoint.json'), 'utf8')) as { url: string };
    expect(second.stderr).toContain(`Process ${first.child.pid ?? 0} already runs on ${home}, at ${url}.`);
    expect((await runReseal(['rotation', 'list'], { env: env() })).stdout).toContain('No rotation yet');

    const server = temporal();
    expect(await first.stop()).toBe(0);
    expect(existsSync(join(home, 'endpoint.json'))).toBe(false);
    expect(isRunning(server)).toBe(false);
    const after = await runReseal(['rotation', 'list'], { env: env() });
    expect([after.exit, after.stderr]).toEqual([3, expect.stringContaining('`reseal up`')]);
  }, 180_000);

  it('killed, leaves a Temporal server that the next one adopts', async () => {
    const first = await up();
    const server = temporal();
    await first.killHard();
    expect(isRunning(server)).toBe(true);
    // What is left of it says where it was; nobody answers there.
    expect((await runReseal(['rotation', 'list'], { env: env() })).exit).toBe(3);

    const second = await up();
    expect(second.stderr).toContain('adopted');
    expect(temporal()).toEqual(server);
    expect((await runReseal(['node', 'list'], { env: env() })).exit).toBe(0);
  }, 180_000);

  it('starts while a store is away, says which, and uses it once it is back (invariant 6)', async () => {
    const store = join(folder, 'store.git');
    renameSync(store, `${store}.away`);
    try {
      const one = await up();
      expect(one.stderr).toContain(`The store main (${store}) cannot be used: it is gone, or has never been there.`);
      const plan = ['rotation', 'plan', '--line', 'ios-main', '--as', 'rita'];
      const refused = await runReseal(plan, { env: env() });
      expect([refused.exit, refused.stderr]).toEqual([3, expect.stringContaining(`The store main (${store}) cannot be used`)]);
      expect(existsSync(store)).toBe(false);
      renameSync(`${store}.away`, store);
      expect((await runReseal(plan, { env: env() })).stdout).toContain('ios-main');
    } finally {
      if (existsSync(`${store}.away`)) renameSync(`${store}.away`, store);
    }
  }, 180_000);

  it.each(['server', 'worker'])('%s alone refuses what is embedded, and says what to set', async (part) => {
    const ran = await runReseal([part], { env: env() });
    expect(ran.exit).toBe(2);
    for (const field of ['temporal.address', 'database', '`reseal up`']) expect(ran.stderr).toContain(field);
  });

  it('names the configuration that is not there', async () => {
    const ran = await runReseal(['up'], { env: cleanEnv(home, { RESEAL_CONFIG: join(home, 'nowhere') }) });
    expect([ran.exit, ran.stderr]).toEqual([2, expect.stringContaining(join(home, 'nowhere'))]);
  });
});

describe('a control API that is not there (P1)', () => {
  it.each(['text', 'json'])('is exit 3 with its address, as %s', async (form) => {
    const ran = await runReseal(['rotation', 'list', ...(form === 'json' ? ['--json'] : [])], {
      env: cleanEnv(home, { RESEAL_URL: 'http://127.0.0.1:9' }),
    });
    expect(ran.exit).toBe(3);
    if (form === 'json') expect(JSON.parse(ran.stdout)).toMatchObject({ schemaVersion: 1, error: { code: 'API_UNREACHABLE' } });
    else expect([ran.stdout, ran.stderr]).toEqual(['', expect.stringContaining('http://127.0.0.1:9')]);
  });

  it('is told from something else that answers', async () => {
    const stranger = createServer((_, response) => response.writeHead(200).end('<html>hello</html>'));
    await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = stranger.address() as AddressInfo;
      const ran = await runReseal(['rotation', 'list'], { env: cleanEnv(home, { RESEAL_URL: `http://127.0.0.1:${port}` }) });
      expect([ran.exit, ran.stderr]).toEqual([3, expect.stringContaining('no reseal control API')]);
    } finally {
      stranger.close();
    }
  });
});
