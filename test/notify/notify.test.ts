import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApplicationFailure } from '@temporalio/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Notice } from '../../activities/notify/contract.js';
import { createNotifyActivities } from '../../activities/notify/index.js';

const SECRET = 'a shared secret of the receiver';
const notice = (event: Notice['event'] = 'question', text = 'ios-main-4 asks stalled'): Notice => ({
  event,
  text,
  audience: ['alice', 'oncall'],
  rotation: null,
  history: null,
});

let folder: string;
let secretFile: string;
let server: Server;
let url: string;
let answer: number;
let received: { headers: IncomingHttpHeaders; body: string; path: string }[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'reseal-notify-'));
  secretFile = join(folder, 'secret');
  writeFileSync(secretFile, `${SECRET}\n`);
  answer = 204;
  received = [];
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      received.push({ headers: request.headers, body, path: request.url ?? '' });
      response.writeHead(answer, answer === 302 ? { location: '/elsewhere' } : {}).end('the answer');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook/token-in-the-path`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true, force: true });
});

const activities = (...more: string[]) =>
  createNotifyActivities({
    webhooks: [url, ...more].map((one) => ({ url: one, secretFile, events: ['question', 'outcome'] })),
    now: () => 1_700_000_000_500,
  });

async function failure(work: Promise<void>): Promise<ApplicationFailure> {
  const error: unknown = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ApplicationFailure)) throw new Error('it was delivered');
  return error;
}

describe('a webhook', () => {
  it('gets the notice as JSON, signed so that its receiver can check it', async () => {
    await activities().notify(notice());
    expect(received).toHaveLength(1);
    const { headers, body } = received[0]!;
    expect(JSON.parse(body)).toEqual({ schemaVersion: 1, ...notice() });
    const [, time, mac] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['reseal-signature']))!;
    expect(time).toBe('1700000000');
    expect(mac).toBe(createHmac('sha256', SECRET).update(`${time}.${body}`).digest('hex'));
    expect(headers['content-type']).toBe('application/json');
  });

  it('gets only the events that it asked for', async () => {
    await activities().notify(notice('reminder'));
    expect(received).toHaveLength(0);
  });

  it.each([500, 503, 408, 429, 302])('that answers %d is tried again, under the same delivery id', async (status) => {
    const { notify } = activities();
    answer = status;
    expect((await failure(notify(notice()))).nonRetryable).toBe(false);
    answer = 200;
    await notify(notice());
    expect(received).toHaveLength(2);
    expect(received[0]!.headers['reseal-delivery']).toBe(received[1]!.headers['reseal-delivery']);
    expect(received.every((one) => one.path === '/hook/token-in-the-path')).toBe(true);
  });

  it.each([400, 401, 404, 410])('that answers %d is not tried again', async (status) => {
    answer = status;
    const error = await failure(activities().notify(notice()));
    expect(error).toMatchObject({
      nonRetryable: true,
      type: 'NOTICE_NOT_DELIVERED',
      message: expect.stringContaining(`answered ${status}`),
    });
  });

  it('is not told twice because another one failed', async () => {
    const { notify } = activities('http://127.0.0.1:1/other');
    expect((await failure(notify(notice()))).message).toContain('127.0.0.1:1 cannot be reached');
    await failure(notify(notice()));
    expect(received).toHaveLength(1);
    await failure(notify(notice('question', 'another one')));
    expect(received).toHaveLength(2);
  });

  it('that never answers is given up on after ten seconds', async () => {
    server.removeAllListeners('request');
    const began = Date.now();
    expect((await failure(activities().notify(notice()))).message).toContain('did not answer within 10 s');
    expect(Date.now() - began).toBeLessThan(13_000);
  });

  it('shows neither secret nor the path of its address in a failure', async () => {
    answer = 500;
    const error = await failure(activities().notify(notice()));
    expect(`${error.message} ${error.stack ?? ''} ${JSON.stringify(error)}`).not.toMatch(/shared secret|token-in-the-path/);
  });

  it('whose secret cannot be read is a failure that names the file', async () => {
    rmSync(secretFile);
    expect((await failure(activities().notify(notice()))).message).toContain(secretFile);
    expect(received).toHaveLength(0);
  });
});
