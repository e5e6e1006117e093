import { chmodSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { Hono } from 'hono';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunningHttp } from '../../src/api/listen.js';
import { request, isUnproven, type Trust } from '../../src/api/request.js';
import { listen } from '../../src/api/server.js';
import { readTlsIdentity, ServedIdentity } from '../../src/api/tls.js';
import { checkApi } from '../../src/cli/doctor/api.js';
import { publishEndpoint, findApi } from '../../src/cli/home.js';
import { ApiClient } from '../../src/cli/api-client.js';
import type { ResealError } from '../../src/domain/errors.js';
import { temporaryFolder } from '../setup/temporary-folder.js';
import { TestAuthority, type TlsFiles } from '../setup/tls.js';
import { until } from '../setup/until.js';

const DAY = 86_400_000;
let folder: string;
let authority: TestAuthority;
let files: TlsFiles;
beforeAll(() => {
  folder = temporaryFolder('reseal-tls');
  authority = new TestAuthority(folder);
  files = authority.issue('reseal', { names: ['reseal.acme.test', 'localhost', '127.0.0.1'] });
});

function refused(given: Partial<TlsFiles>, now = Date.now()): ResealError {
  try {
    readTlsIdentity({ ...files, ...given }, now);
  } catch (error) {
    return error as ResealError;
  }
  throw new Error('it was taken');
}

describe('certificate and key of the control API', () => {
  it('are refused where other accounts may read the key, and nothing of the key is told', () => {
    const open = join(folder, 'open.key');
    copyFileSync(files.key, open);
    chmodSync(open, 0o640);
    expect(refused({ key: open })).toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringMatching(/open\.key.*api\.tls\.key.*other accounts \(mode 0640\)/) });
    const encrypted = join(folder, 'encrypted.key');
    writeFileSync(encrypted, '-----BEGIN ENCRYPTED PRIVATE KEY-----\nc2VjcmV0\n-----END ENCRYPTED PRIVATE KEY-----\n', { mode: 0o600 });
    expect(refused({ key: encrypted }).message).toMatch(/is encrypted with a passphrase/);
    expect(refused({ key: encrypted }).message).not.toContain('c2VjcmV0');
  }); // prettier-ignore

  it('are refused where they are of different pairs, not there, or something else', () => {
    const other = authority.issue('other', { names: ['localhost'] });
    expect(refused({ key: other.key }).message).toMatch(/is not the key of the certificate in .*reseal\.pem/);
    expect(refused({ certificate: join(folder, 'nowhere.pem') }).message).toMatch(/nowhere\.pem \(api\.tls\.certificate of reseal\.yaml\): it is not there/);
    expect(refused({ certificate: files.key }).message).toMatch(/holds no certificate/);
    expect(refused({ key: folder }).message).toMatch(/is no regular file/);
  }); // prettier-ignore

  it('are refused outside of the time for which the certificate is valid', () => {
    expect(refused({}, Date.now() + 91 * DAY).message).toMatch(/expired on \d{4}-\d\d-\d\d/);
    expect(refused({}, Date.now() - 2 * DAY).message).toMatch(/is valid only from \d{4}-\d\d-\d\d on/);
  });

  it('are told by doctor with names and days left, and are late 14 days before the end', async () => {
    const at = async (now: number) => (await checkApi({ tls: files }, now))[0];
    expect(await at(Date.now())).toMatchObject({ verdict: 'pass', reason: expect.stringMatching(/DNS:reseal\.acme\.test, .* in 89 days$/) });
    expect(await at(Date.now() + 80 * DAY)).toMatchObject({ verdict: 'fail', reason: expect.stringMatching(/in 9 days$/) });
    expect(await at(Date.now() + 95 * DAY)).toMatchObject({ verdict: 'fail', reason: expect.stringContaining('expired on') });
    const elsewhere = { tls: { ...files, key: join(folder, 'nowhere.key') } };
    expect((await checkApi(elsewhere, Date.now()))[0]).toMatchObject({ verdict: 'later' });
  }); // prettier-ignore
});

describe('a control API that listens with TLS', () => {
  const troubles: string[] = [];
  let running: RunningHttp;
  let slow: Promise<{ readonly said: string; readonly took: number }>;
  beforeAll(async () => {
    const app = new Hono();
    app.get('/v1/healthz', (context) => context.json({ ok: true }));
    app.get('/v1/follow', (context) => context.body(new ReadableStream({ start: (to) => { to.enqueue('x'); } }))); // prettier-ignore
    const identity = new ServedIdentity(files, { onTrouble: (sentence) => troubles.push(sentence) }, Date.now, 50);
    running = await listen(app, '0.0.0.0:0', identity);
    slow = speakSlowly(await socket({}));
  });
  afterAll(() => running.stop());

  const ask = (trust: Trust, url = running.url): Promise<Response> =>
    request(new URL('/v1/healthz', url), { method: 'GET', headers: {}, trust });
  const socket = (options: ConnectionOptions): Promise<TLSSocket> =>
    new Promise((resolve, reject) => {
      const made = connect({ port: Number(new URL(running.url).port), host: '127.0.0.1', ca: authority.pem, ...options }, () => {
        resolve(made);
      });
      made.on('error', reject);
    });

  async function speakSlowly(to: TLSSocket): Promise<Awaited<typeof slow>> {
    const began = Date.now();
    let said = '';
    to.on('data', (chunk) => (said += String(chunk)));
    to.on('error', () => undefined);
    to.write('GET /v1/healthz HTTP/1.1\r\nhost: x\r\nx-slow: ');
    const drip = setInterval(() => to.write('x'), 300);
    await new Promise((resolve) => to.once('close', resolve));
    clearInterval(drip);
    return { said, took: Date.now() - began };
  }

  it('may listen on every address, and answers those who know its authority or its certificate', async () => {
    expect(running.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
    for (const trust of [{ kind: 'authority', pem: authority.pem }, { kind: 'certificate', pem: readFileSync(files.certificate, 'utf8') }] as const)
      expect(await (await ask(trust)).json()).toEqual({ ok: true });
  }); // prettier-ignore

  it('is not believed by those who know neither, nor under another name, nor with another certificate', async () => {
    const other = authority.issue('elsewhere', { names: ['elsewhere.acme.test'] });
    const anew = new Hono();
    const elsewhere = await listen(anew, '127.0.0.1:0', new ServedIdentity(other, { onTrouble: () => undefined }));
    try {
      for (const [trust, url] of [
        [{ kind: 'public' }, running.url],
        [{ kind: 'authority', pem: authority.pem }, elsewhere.url],
        [{ kind: 'certificate', pem: readFileSync(files.certificate, 'utf8') }, elsewhere.url],
        [{ kind: 'certificate', pem: readFileSync(other.certificate, 'utf8') }, running.url],
      ] as const) {
        const error: unknown = await ask(trust, url).then(
          () => null,
          (thrown: unknown) => thrown,
        );
        expect([trust.kind, url, isUnproven(error), String(error)]).toEqual([trust.kind, url, true, expect.any(String)]);
      }
    } finally {
      await elsewhere.stop();
    }
  });

  it('speaks TLS 1.2 and 1.3, and nothing older', async () => {
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const made = await socket({ minVersion: version, maxVersion: version });
      expect(made.getProtocol()).toBe(version);
      made.destroy();
    }
    await expect(socket({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' })).rejects.toThrow();
    await expect(fetch(running.url.replace('https', 'http'))).rejects.toThrow();
  });

  it('takes a renewed certificate up without dropping those who follow something; a wrong one is told once and changes nothing', async () => {
    const serialOf = async (): Promise<string> => {
      const made = await socket({});
      const { serialNumber } = made.getPeerCertificate();
      made.destroy();
      return serialNumber;
    };
    const following = await request(new URL('/v1/follow', running.url), { method: 'GET', headers: {}, trust: { kind: 'authority', pem: authority.pem } });
    const before = await serialOf();
    const kept = readFileSync(files.key, 'utf8');
    writeFileSync(files.key, 'nothing');
    await until(() => troubles.length > 0, { what: 'the trouble', every: 20 });
    expect(await serialOf()).toBe(before);
    writeFileSync(files.key, kept);
    authority.issue('reseal', { names: ['localhost', '127.0.0.1'] });
    await until(async () => (await serialOf()) !== before, { what: 'the renewed certificate', every: 20 });
    expect(troubles.filter((one) => one.includes('holds no private key'))).toEqual([expect.stringMatching(/reseal\.key.*goes on with the certificate that it has, which expires on/)]);
    const reader = following.body?.getReader();
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe('x');
    await reader?.cancel();
  }); // prettier-ignore

  it('is found by commands of its home by its certificate, and elsewhere by RESEAL_CA', async () => {
    const home = join(folder, 'home');
    const env = { XDG_STATE_HOME: folder };
    publishEndpoint(home, { url: running.url, tokenFile: null, certificate: files.certificate, pid: process.pid });
    const where = { home, env, cwd: folder };
    expect(await ApiClient.at(await findApi(where)).get('/v1/healthz')).toEqual({ ok: true });
    const url = running.url.replace('127.0.0.1', 'localhost');
    const at = async (more: NodeJS.ProcessEnv) => ApiClient.at(await findApi({ home: undefined, env: { RESEAL_URL: url, RESEAL_TOKEN: 'x', ...more }, cwd: folder }));
    expect(await (await at({ RESEAL_CA: authority.file })).get('/v1/healthz')).toEqual({ ok: true });
    await expect((await at({})).get('/v1/healthz')).rejects.toMatchObject({ code: 'API_UNREACHABLE', message: expect.stringContaining('RESEAL_CA') });
    await expect(at({ RESEAL_URL: 'http://reseal.acme.test' })).rejects.toMatchObject({ code: 'USAGE', message: expect.stringContaining('in plain') });
    await expect(at({ RESEAL_CA: join(folder, 'nowhere') })).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
  }); // prettier-ignore

  it('ends a connection on which a request is said slowly (slowloris)', async () => {
    const { said, took } = await slow;
    expect(said).toMatch(/^HTTP\/1\.1 408 /);
    expect(took).toBeLessThan(20_000);
  });
});
