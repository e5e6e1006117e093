import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claimHome, demoHomeFolder, findApi, homeFolder, publishEndpoint, readEndpoint, withdrawEndpoint } from '../../src/cli/home.js';

let state: string;
let servers: Server[];
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'reseal-home-'));
  servers = [];
});
afterEach(() => {
  for (const server of servers) server.close();
  rmSync(state, { recursive: true, force: true });
});

async function up(home: string, token: string): Promise<string> {
  const server = createServer((_request, response) => response.end('{}'));
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  publishEndpoint(home, { url, tokenFile: join(home, 'token'), pid: process.pid });
  writeFileSync(join(home, 'token'), `${token}\n`, { mode: 0o600 });
  return url;
}

const where = (home?: string, env: NodeJS.ProcessEnv = {}) => ({ home, env: { XDG_STATE_HOME: state, ...env }, cwd: '/' });

describe('the home', () => {
  it('is --home, else RESEAL_HOME, else the state folder; the demo has its own below that', () => {
    expect(homeFolder('h', { RESEAL_HOME: '/r' }, '/w')).toBe('/w/h');
    expect(homeFolder(undefined, { RESEAL_HOME: '/r' }, '/w')).toBe('/r');
    expect(homeFolder(undefined, { XDG_STATE_HOME: '/s' }, '/w')).toBe('/s/reseal');
    expect(demoHomeFolder(undefined, { XDG_STATE_HOME: '/s' }, '/w')).toBe('/s/reseal/demo');
    expect(demoHomeFolder('/h', { XDG_STATE_HOME: '/s' }, '/w')).toBe('/h');
  });

  it('belongs to one process; a second one is told which', async () => {
    const home = join(state, 'reseal');
    const release = claimHome(home);
    const url = await up(home, 't');
    expect(() => claimHome(home)).toThrow(
      expect.objectContaining({
        code: 'HOME_IN_USE',
        message: expect.stringContaining(`Process ${process.pid} already runs on ${home}, at ${url}`),
      }),
    );
    release();
    claimHome(home)();
    writeFileSync(join(home, 'up.lock'), JSON.stringify({ pid: process.pid, startTime: 'long ago' }));
    claimHome(home)();
  });

  it('publishes its address for this user only', async () => {
    const home = join(state, 'reseal');
    await up(home, 't');
    expect(statSync(join(home, 'endpoint.json')).mode & 0o777).toBe(0o600);
    withdrawEndpoint(home);
    expect(readEndpoint(home)).toBeNull();
  });
});

describe('the control API', () => {
  it('is RESEAL_URL where that is set', async () => {
    expect(await findApi(where(undefined, { RESEAL_URL: 'https://reseal.example', RESEAL_TOKEN: 'x' }))).toEqual({
      url: 'https://reseal.example',
      token: 'x',
    });
  });

  it('is that of the home, else that of the demo', async () => {
    const demo = await up(join(state, 'reseal/demo'), 'demo-token');
    expect(await findApi(where())).toEqual({ url: demo, token: 'demo-token' });
  });

  it('is asked for by name when both run', async () => {
    await up(join(state, 'reseal/demo'), 'a');
    const own = await up(join(state, 'reseal'), 'b');
    await expect(findApi(where())).rejects.toMatchObject({
      code: 'USAGE',
      details: [expect.stringContaining(`--home ${join(state, 'reseal')}`), expect.stringContaining('demo')],
    });
    expect(await findApi(where(join(state, 'reseal')))).toEqual({ url: own, token: 'b' });
  });

  it('that is gone is not taken for alive', async () => {
    publishEndpoint(join(state, 'reseal'), { url: 'http://127.0.0.1:1', tokenFile: null, pid: 1 });
    await expect(findApi(where())).rejects.toMatchObject({ code: 'API_UNREACHABLE', message: expect.stringContaining('reseal up') });
  });
});
