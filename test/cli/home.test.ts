import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiClient } from '../../src/cli/api-client.js';
import { configFolder, configFolderToRead } from '../../src/cli/config-folder.js';
import { claimHome, demoHomeFolder, findApi, homeFolder, publishEndpoint, readEndpoint, withdrawEndpoint } from '../../src/cli/home.js';
import { reseal } from './terminal.js';

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

async function up(home: string, token: string, config?: string): Promise<string> {
  const server = createServer((_request, response) => response.end('{}'));
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  publishEndpoint(home, { url, tokenFile: join(home, 'token'), pid: process.pid, ...(config === undefined ? {} : { config }) });
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
    expect(await findApi(where(undefined, { RESEAL_URL: 'https://reseal.example', RESEAL_TOKEN: 'x' }))).toMatchObject({
      url: 'https://reseal.example',
      token: 'x',
    });
  });

  it('is what api.client of the configuration says that RESEAL_CONFIG names, with the token that its command prints; never of ./reseal', async () => {
    const [config, token] = [join(state, 'reseal'), join(state, 'print-token')];
    cpSync(fileURLToPath(new URL('../configuration/example', import.meta.url)), config, { recursive: true });
    writeFileSync(token, '#!/bin/sh\necho of-the-provider\n', { mode: 0o700 });
    const client = `client: { url: 'https://reseal.example', token: { command: ['${token}'] } }`;
    writeFileSync(
      join(config, 'reseal.yaml'),
      readFileSync(join(config, 'reseal.yaml'), 'utf8').replace("listen: '127.0.0.1:0' }", `listen: '127.0.0.1:0', ${client} }`),
    );
    expect(await findApi(where(undefined, { RESEAL_CONFIG: config }))).toMatchObject({
      url: 'https://reseal.example',
      token: 'of-the-provider',
    });
    await expect(findApi({ ...where(), cwd: state })).rejects.toMatchObject({ code: 'API_UNREACHABLE' });
    const home = await up(join(state, 'own'), 'own-token');
    expect(await findApi(where(join(state, 'own'), { RESEAL_CONFIG: config }))).toMatchObject({ url: home, token: 'own-token' });
  });

  it('is that of the home, else that of the demo', async () => {
    const demo = await up(join(state, 'reseal/demo'), 'demo-token');
    expect(await findApi(where())).toMatchObject({ url: demo, token: 'demo-token' });
  });

  it('is asked for by name when both run', async () => {
    await up(join(state, 'reseal/demo'), 'a');
    const own = await up(join(state, 'reseal'), 'b');
    await expect(findApi(where())).rejects.toMatchObject({
      code: 'USAGE',
      details: [expect.stringContaining(`--home ${join(state, 'reseal')}`), expect.stringContaining('demo')],
    });
    expect(await findApi(where(join(state, 'reseal')))).toMatchObject({ url: own, token: 'b' });
  });

  it('that says to come back in a moment is asked again; one that says to come back later is believed', async () => {
    let asked = 0;
    const server = createServer((_request, response) => {
      asked += 1;
      if (asked === 2) response.end('{"done":true}');
      else response.writeHead(429, { 'retry-after': asked > 2 ? '11' : '1' }).end('{"error":{"code":"TOO_MANY_REQUESTS","message":"Later.","details":[]}}');
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const api = ApiClient.at({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, token: null });
    expect([await api.post('/v1/claims', {}), asked]).toEqual([{ done: true }, 2]);
    await expect(api.post('/v1/claims', {})).rejects.toMatchObject({ code: 'TOO_MANY_REQUESTS' });
    expect(asked).toBe(3);
  }); // prettier-ignore

  it('gets the next token of a command that goes on for longer than one counts', async () => {
    const seen: (string | undefined)[] = [];
    let counts = 'first';
    const server = createServer(({ headers }, response) => {
      seen.push(headers.authorization);
      const isKnown = headers.authorization === `Bearer ${counts}`;
      response.writeHead(isKnown ? 200 : 401).end(isKnown ? '{}' : '{"error":{"code":"NOT_ENTITLED","message":"It has expired.","details":[]}}');
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const file = join(state, 'token');
    writeFileSync(file, 'first\n', { mode: 0o600 });
    const env = { RESEAL_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, RESEAL_TOKEN_FILE: file };
    const api = await ApiClient.find({ config: undefined, home: undefined, env, cwd: state });
    await api.get('/v1/rotations');
    counts = 'second';
    await expect(api.get('/v1/rotations')).rejects.toMatchObject({ code: 'NOT_ENTITLED' });
    writeFileSync(file, 'second\n', { mode: 0o600 });
    await api.get('/v1/rotations');
    expect(seen).toEqual(['first', 'first', 'first', 'second'].map((token) => `Bearer ${token}`));
  }); // prettier-ignore

  it('that is gone is not taken for alive', async () => {
    publishEndpoint(join(state, 'reseal'), { url: 'http://127.0.0.1:1', tokenFile: null, pid: 1 });
    await expect(findApi(where())).rejects.toMatchObject({ code: 'API_UNREACHABLE', message: expect.stringContaining('reseal up') });
  });

  it('is not asked where --config names a configuration that it would not go by', async () => {
    await up(join(state, 'reseal/demo'), 'demo-token');
    const ran = await reseal(['rotation', 'list', '--config', '/c'], { env: { XDG_STATE_HOME: state } });
    expect(ran).toMatchObject({ exit: 2, stdout: '', stderr: expect.stringContaining('--config has no effect here') });
  });
});

describe('the configuration of a command that only reads', () => {
  const makeConfiguration = (...path: string[]): string => {
    const folder = join(state, ...path);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'topology.yaml'), '');
    return folder;
  };
  const named = (more: { config?: string; home?: string; env?: NodeJS.ProcessEnv } = {}) => ({
    ...where(more.home, more.env),
    cwd: state,
    config: more.config,
  });

  it('is that of the demo that runs where none is named and none is there; what writes does not take it', async () => {
    const ofDemo = makeConfiguration('reseal/demo/config');
    const there = join(state, 'reseal');
    expect(await configFolderToRead(named())).toBe(there);
    await up(join(state, 'reseal/demo'), 'a');
    expect(await configFolderToRead(named())).toBe(ofDemo);
    expect(configFolder(named())).toBe(there);
    expect(await configFolderToRead(named({ env: { RESEAL_URL: 'https://reseal.example' } }))).toBe(there);
  });

  it('is what is named, or ./reseal, whatever runs', async () => {
    makeConfiguration('reseal/demo/config');
    await up(join(state, 'reseal/demo'), 'a');
    await up(join(state, 'reseal'), 'b');
    expect(await configFolderToRead(named({ config: 'c' }))).toBe(join(state, 'c'));
    expect(await configFolderToRead(named({ env: { RESEAL_CONFIG: '/e' } }))).toBe('/e');
    await expect(configFolderToRead(named())).rejects.toMatchObject({ code: 'USAGE', message: expect.stringContaining('--home') });
    const there = makeConfiguration('reseal');
    expect(await configFolderToRead(named())).toBe(there);
  });

  it('is, for a home that is named, the one that its `up` was started with', async () => {
    makeConfiguration('reseal');
    const home = join(state, 'other');
    await up(home, 'a', '/somewhere/else');
    expect(await configFolderToRead(named({ home }))).toBe('/somewhere/else');
    expect(await configFolderToRead(named({ env: { RESEAL_HOME: home } }))).toBe('/somewhere/else');
  });
});
