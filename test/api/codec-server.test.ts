import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { encrypt } from '../../src/temporal/codec/encryption.js';
import { newRootKey } from '../../src/temporal/codec/key-file.js';
import { controlRing } from '../../src/temporal/codec/key-ring.js';
import { createCodecServer, listenForPayloads } from '../../src/api/codec-server/server.js';
import type { RunningHttp } from '../../src/api/listen.js';

const UI = 'https://temporal.acme.test';
const TOKEN = 'only-for-those-who-may';
const root = newRootKey('active', Date.parse('2026-11-27T10:00:00Z'));
const ring = controlRing([root], 'test');

let now: number;
let denied: string[];
let running: RunningHttp;
beforeEach(async () => {
  now = 0;
  denied = [];
  const server = createCodecServer({ ring, token: TOKEN, origins: [UI], onDenied: (one) => void denied.push(one), clock: () => now });
  running = await listenForPayloads(server, '127.0.0.1:0');
});
afterEach(() => running.stop());

const wire = (payload: Payload) => ({
  metadata: Object.fromEntries(
    Object.entries(payload.metadata ?? {}).map(([name, value]) => [name, Buffer.from(value).toString('base64')]),
  ),
  data: Buffer.from(payload.data ?? []).toString('base64'),
});
const sealed = (key = ring.active('control')) => wire(encrypt(defaultPayloadConverter.toPayload('what was said'), key));
const ask = (body: unknown, headers: Record<string, string> = {}, path = '/decode') =>
  fetch(`${running.url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
const errorOf = async (response: Response) => ({
  status: response.status,
  ...((await response.json()) as { error: { code: string; message: string } }).error,
});

it('decodes what is encrypted, of nodes too, and leaves what is plain', async () => {
  const plain = wire(defaultPayloadConverter.toPayload('never secret'));
  const response = await ask({ payloads: [sealed(), plain, sealed(ring.active('node/bom-1'))] }, { 'x-namespace': 'reseal' });
  const { payloads } = (await response.json()) as { payloads: { data: string; metadata: Record<string, string> }[] };
  expect(payloads.map(({ data }) => Buffer.from(data, 'base64').toString())).toEqual([
    '"what was said"',
    '"never secret"',
    '"what was said"',
  ]);
  expect(Buffer.from(payloads[0]?.metadata['encoding'] ?? '', 'base64').toString()).toBe('json/plain');
});

it('denies whoever has not its token, says so to its operator, and stops looking after many', async () => {
  for (const authorization of ['', 'Bearer ', 'Bearer no', `Basic ${TOKEN}`, TOKEN])
    expect(await errorOf(await ask({ payloads: [sealed()] }, { authorization }))).toMatchObject({ status: 401, code: 'NOT_ENTITLED' });
  expect(denied).toHaveLength(5);
  for (let more = 0; more < 55; more++) await ask({}, { authorization: 'Bearer guess' });
  expect((await ask({ payloads: [sealed()] })).status).toBe(429);
  now += 60_000;
  expect((await ask({ payloads: [sealed()] })).status).toBe(200);
});

it('lets pages of the declared origin ask, and of no other', async () => {
  const preflight = (origin: string) =>
    fetch(`${running.url}/decode`, { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'POST' } });
  const allowed = await preflight(UI);
  expect(allowed.status).toBe(204);
  expect(allowed.headers.get('access-control-allow-origin')).toBe(UI);
  expect(allowed.headers.get('access-control-allow-headers')).toContain('authorization');
  const answered = await ask({ payloads: [sealed()] }, { origin: UI });
  expect(answered.headers.get('access-control-allow-origin')).toBe(UI);
  for (const origin of ['https://temporal.acme.test.evil.test', 'null', 'http://temporal.acme.test']) {
    expect((await preflight(origin)).headers.get('access-control-allow-origin')).toBeNull();
    expect((await ask({ payloads: [sealed()] }, { origin })).status).toBe(403);
  }
});

it('has a browser say of its own form where it comes from: with a stricter referrer policy that would be nowhere (seen with Chromium 156)', async () => {
  const page = await fetch(running.url);
  expect(page.headers.get('referrer-policy')).toBe('same-origin');
});

it('lets a browser read in which its token was shown, for eight hours, and pages of the declared origin alone', async () => {
  const page = await fetch(running.url);
  expect(await page.text()).toContain('name="token"');
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
  const signIn = (token: string, origin: string) =>
    fetch(`${running.url}/session`, { method: 'POST', body: new URLSearchParams({ token }), headers: { origin } });
  expect((await signIn('guess', running.url)).status).toBe(401);
  expect((await signIn(TOKEN, 'https://evil.test')).status).toBe(403);
  const cookie = (await signIn(TOKEN, running.url)).headers.get('set-cookie') ?? '';
  expect(cookie).toMatch(/; HttpOnly; SameSite=Strict; Path=\/; Max-Age=28800$/);
  expect(cookie).not.toContain(TOKEN);
  const [shown = ''] = cookie.split(';');
  const asked = (given: string, origin = UI) => ask({ payloads: [sealed()] }, { authorization: '', cookie: given, origin });
  const answered = await asked(shown);
  expect(answered.status).toBe(200);
  expect(answered.headers.get('access-control-allow-credentials')).toBe('true');
  expect((await asked(shown, 'https://evil.test')).status).toBe(403);
  expect((await asked(shown.replace(/=\d+/, '=99999999999999'))).status).toBe(401);
  now += 8 * 3_600_000 + 1;
  expect((await asked(shown)).status).toBe(401);
});

it('encodes nothing, and refuses what is no Payloads message, what is too large and what it cannot read, without quoting it', async () => {
  expect((await ask({ payloads: [] }, {}, '/encode')).status).toBe(404);
  for (const body of ['{', '[]', { payloads: [{ data: 'no base64!' }] }, { payloads: Array.from({ length: 2_001 }, () => ({})) }])
    expect(await errorOf(await ask(body))).toMatchObject({ status: 400, code: 'USAGE' });
  expect((await ask('x'.repeat(6 * 1024 * 1024 + 1))).status).toBe(413);
  const good = sealed();
  const damaged = { ...good, data: Buffer.from(good.data, 'base64').fill(7, 20, 24).toString('base64') };
  expect(await errorOf(await ask({ payloads: [damaged] }))).toMatchObject({ status: 422, code: 'PAYLOAD_DAMAGED' });
  const other = controlRing([newRootKey('active', 0)], 'other').active('control');
  const missing = await errorOf(await ask({ payloads: [sealed(other)] }));
  expect(missing).toMatchObject({ status: 422, code: 'CODEC_KEY_MISSING' });
  expect(missing.message).toContain(other.id);
});
