import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LineName } from '../../src/domain/brands.js';
import { goneCertificates } from '../../src/domain/gone-certificates.js';
import { COURIER_UUID, TeamAtApple } from './app-store-connect.js';

const DAY = 86_400_000;
let team: TeamAtApple;
beforeEach(async () => {
  team = await TeamAtApple.open();
});
afterEach(() => team.close());

const refusal = async (work: Promise<unknown>): Promise<{ code: string; message: string }> => {
  const error = await work.then(
    () => null,
    (cause: unknown) => cause as { code: string; message: string },
  );
  if (error === null) throw new Error('It was not refused.');
  expect(`${error.message} ${JSON.stringify(error)}`).not.toMatch(/c2VjcmV0|MIG/);
  expect(error.message).not.toMatch(/eyJ|Bearer/);
  return error;
};

describe('App Store Connect as a source (S16)', () => {
  it('lists every profile page by page, with its bytes verified', async () => {
    const content = team.profile();
    for (let index = 0; index < 201; index += 1) team.place(`Courier ${index}`, content);
    team.place('Not a profile', Buffer.concat([content.subarray(0, 300), content.subarray(400)]));
    const { candidates, ignored } = await team.source().list();
    expect(candidates).toHaveLength(201);
    expect(candidates[200]).toMatchObject({
      profile: { uuid: COURIER_UUID },
      origin: { source: 'apple', path: expect.stringMatching(/^apple\/Courier 200 \(/) },
    });
    expect(ignored).toHaveLength(1);
    expect(team.server.log.filter(({ path }) => path === '/v1/profiles')).toHaveLength(2);
  });

  it('passes over INVALID profiles, which have no contents, and those of strangers', async () => {
    const revoked = team.account.addCertificate(
      await team.apple.issueCertificate({
        commonName: 'Apple Distribution: Gone',
        team: 'AAAAAAAAAA',
        notAfter: new Date(team.now + 9 * DAY),
      }),
    );
    revoked.revoked = true;
    team.place('Courier', team.profile());
    team.place('Old Courier', team.profile({ uuid: COURIER_UUID.replace('7', '8') }), { certificates: [revoked.id] });
    const { candidates, ignored } = await team.source().list();
    expect(candidates.map((one) => one.profile.uuid)).toEqual([COURIER_UUID]);
    expect(ignored).toEqual([
      { source: 'apple', path: expect.stringContaining('Old Courier'), reasons: [expect.stringContaining('is INVALID')] },
    ]);
  });

  it('knows which certificates its team has still, and by its profiles, INVALID ones too, whose manifest it can say that of (R11)', async () => {
    team.place('Courier', team.profile());
    const [entry, at] = [team.entry(), Date.now()];
    const certificate = { commonName: 'x', team: entry.team, serial: 'A'.repeat(32), expiresAt: new Date(at + 9 * DAY).toISOString() };
    const manifest = {
      schemaVersion: 1,
      line: 'ios-main' as LineName,
      certificates: { [entry.identity]: certificate },
      profiles: [entry],
    } as const;
    const gone = async () =>
      goneCertificates(manifest, (await team.source({ successors: 'found' }).certificates?.()) ?? { listed: [], profiles: [] }, [], at);
    expect(await gone()).toEqual([]);
    team.certificate.revoked = true;
    expect(await gone()).toEqual([entry.identity]);
    expect(team.writes()).toEqual([]);
  });

  it('signs one token for many requests, of 20 minutes at most, as the stand-in verifies', async () => {
    let read = 0;
    const key = (): Promise<string> => {
      read += 1;
      return Promise.resolve(team.key.pem);
    };
    const source = team.source({ apiKey: { ...team.key, key } });
    await source.list();
    await source.list();
    expect(read).toBe(1);
    expect(team.server.log.map(({ status }) => status)).toEqual([200, 200]);
  });

  it('waits as long as 429 asks for, and tries 5xx again', async () => {
    team.place('Courier', team.profile());
    const limited = { errors: [{ status: '429', code: 'RATE_LIMIT_EXCEEDED', title: 'The request rate limit has been reached.' }] };
    team.server.faults.plan('GET', { fault: 'answer', status: 429, body: JSON.stringify(limited), headers: { 'retry-after': '1' } });
    const began = performance.now();
    expect((await team.source().list()).candidates).toHaveLength(1);
    expect(performance.now() - began).toBeGreaterThan(950);
    team.server.faults.plan('GET', { fault: 'answer', status: 503, body: 'busy' });
    expect((await team.source().list()).candidates).toHaveLength(1);
  });

  it.each([
    [429, 'SOURCE_UNREACHABLE', /rate limit is used up \(429\).*It says: The request rate limit/],
    [500, 'SOURCE_UNREACHABLE', /answered 500.*system-status/],
    [401, 'SOURCE_REFUSED', /does not accept the key \(401\).*keyId, issuerId and key of sources\.apple.*clock/],
    [403, 'SOURCE_REFUSED', /may not do that \(403\).*role Developer, App Manager or Admin/],
    [409, 'SOURCE_REFUSED', /\(409\).*It says:/],
    [302, 'SOURCE_UNREACHABLE', /answered 302/],
  ])('says of %i what it means and what to do', async (status, code, sentence) => {
    const body = JSON.stringify({
      errors: [{ status: `${status}`, code: 'X', title: 'The request rate limit\n\u001b[31mhas been reached.' }],
    });
    team.server.faults.plan(
      'GET',
      { fault: 'answer', status, body, headers: { location: 'https://example.com/', 'retry-after': '3600' } },
      99,
    );
    const error = await refusal(team.source().list());
    expect(error).toMatchObject({ code, message: expect.stringMatching(sentence) });
    expect(error.message).not.toMatch(/[\u0000-\u001f]/);
  });

  it.each([
    [
      'an HTML page',
      { fault: 'answer', status: 200, body: '<!DOCTYPE html><html>Sign in</html>', headers: { 'content-type': 'text/html' } } as const,
    ],
    ['nothing', { fault: 'answer', status: 200, body: '' } as const],
    ['a JSON document that is cut off', { fault: 'truncated' } as const],
    ['not of the form', { fault: 'answer', status: 200, body: '{"data":{}}' } as const],
  ])('says that the answer was %s', async (found, fault) => {
    team.place('Courier', team.profile());
    team.server.faults.plan('GET', fault);
    expect(await refusal(team.source().list())).toMatchObject({ code: 'SOURCE_UNREACHABLE', message: expect.stringContaining(found) });
  });

  it('says that nobody answers, or not in time', async () => {
    const silent = createServer(() => undefined).listen(0, '127.0.0.1');
    const port = await new Promise<number>((resolve) => silent.once('listening', () => resolve((silent.address() as AddressInfo).port)));
    const url = `http://127.0.0.1:${port}`;
    expect((await refusal(team.source({ url, timeout: 300 }).list())).message).toMatch(
      /cannot be reached at 127\.0\.0\.1:\d+: it has not answered within 0\.3 s/,
    );
    silent.closeAllConnections();
    await new Promise((resolve) => silent.close(resolve));
    expect(await refusal(team.source({ url }).list())).toMatchObject({
      code: 'SOURCE_UNREACHABLE',
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });

  it('sends its token nowhere else: a next page at another host is refused', async () => {
    const strange = JSON.stringify({ data: [], links: { self: 'x', next: 'https://evil.example/v1/profiles?cursor=2' } });
    team.server.faults.plan('GET', { fault: 'answer', status: 200, body: strange });
    expect((await refusal(team.source().list())).message).toMatch(/next page is at another host/);
  });

  it('leaves the rest of the hour to others when little is left, and says so', async () => {
    team.server.limit.left = 120;
    const source = team.source();
    await source.list();
    expect((await refusal(source.list())).message).toMatch(
      /of 3500 requests an hour 119 are left to this key, and reseal leaves those to others/,
    );
    expect(team.server.log).toHaveLength(1);
  });

  it.each(['', 'not a key', '-----BEGIN PRIVATE KEY-----\nc2VjcmV0LXZhbHVl\n-----END PRIVATE KEY-----'])(
    'refuses a key that is none without showing it: %j',
    async (pem) => {
      const error = await refusal(team.source({ apiKey: { ...team.key, key: () => Promise.resolve(pem) } }).list());
      expect(error).toMatchObject({ code: 'SOURCE_REFUSED', message: expect.stringMatching(/AuthKey_KEY1XXXXXX\.p8/) });
    },
  );

  it('is not taken with the key of another', async () => {
    const other = { ...(await team.server.issueKey('ADMIN')), keyId: team.key.keyId };
    const error = await refusal(team.source({ apiKey: { ...other, key: () => Promise.resolve(other.pem) } }).list());
    expect(error).toMatchObject({ code: 'SOURCE_REFUSED', message: expect.stringContaining('401') });
  });
});
