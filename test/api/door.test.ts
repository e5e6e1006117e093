import { generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import { SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Denials } from '../../src/api/denials.js';
import { OidcTokens } from '../../src/api/oidc.js';
import { isUnproven, request } from '../../src/api/request.js';
import { ROUTES } from '../../src/api/routes.js';
import { ServedIdentity } from '../../src/api/tls.js';
import { checkApi } from '../../src/cli/doctor/api.js';
import { API_ROLES, type ApiRole } from '../../src/domain/api-roles.js';
import type { AuditRecord } from '../../src/domain/audit/record.js';
import type { OidcDeclaration } from '../../src/schema/reseal.js';
import { openChain } from '../../src/temporal/audit/worker-log.js';
import { faults, linesIn, verified } from '../audit/chains.js';
import { AUDIENCE, OpenIdProvider } from '../setup/openid.js';
import { TestAuthority } from '../setup/tls.js';
import { temporaryFolder } from '../setup/temporary-folder.js';
import { until } from '../setup/until.js';
import { ServedMesh, UNLIMITED } from './served-mesh.js';

/** Clients of the provider by what they are: one for each role, one of a group that nobody has heard of, one of all. */
const CLIENTS = { reader: ['eng'], pipeline: ['ci'], operator: ['release'], approver: ['leads'], stranger: ['sales', 'operator'], everybody: ['eng', 'ci', 'release', 'leads'] } as const; // prettier-ignore
const ROLES: OidcDeclaration['roles'] = { eng: ['reader'], ci: ['pipeline'], release: ['operator'], leads: ['approver'] };

let served: ServedMesh;
let authority: TestAuthority;
let provider: OpenIdProvider;
let home: string;
let chain: Awaited<ReturnType<typeof openChain>>;
let denials: Denials;
const tokens = new Map<string, string>();
const declared = (): OidcDeclaration => ({
  ...{ issuer: provider.issuer, audience: AUDIENCE, claim: 'groups', roles: ROLES },
  ca: authority.file,
});

beforeAll(async () => {
  home = temporaryFolder('reseal-door');
  authority = new TestAuthority(home);
  const tls = authority.issue('both', { names: ['127.0.0.1'] });
  provider = await OpenIdProvider.start(tls, authority.pem, CLIENTS);
  for (const client of Object.keys(CLIENTS)) tokens.set(client, await provider.tokenOf(client));
  served = await ServedMesh.start();
  await served.close();
  chain = await openChain('api', home, served.mesh.around.configuration());
  denials = new Denials(chain.writer, Date.now, 60_000);
  await served.open(
    '0.0.0.0:0',
    { oidc: new OidcTokens(declared()), denials, overTls: true },
    new ServedIdentity(tls, { onTrouble: () => undefined }),
  );
}, 240_000);
afterAll(async () => {
  await served.stop();
  await denials.close();
  await chain.close();
  await provider.stop();
}, 120_000);

interface Got {
  readonly status: number;
  readonly headers: Headers;
  readonly code: string | undefined;
  readonly message: string;
}

async function ask(token: string | null, path: string, method = 'GET', body?: unknown): Promise<Got> {
  const response = await request(new URL(path, served.url), {
    method,
    headers: { ...(token === null ? {} : { authorization: `Bearer ${token}` }), 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    trust: { kind: 'authority', pem: authority.pem },
  });
  const text = await response.text();
  const { error } = (text.startsWith('{') ? JSON.parse(text) : {}) as { error?: { code: string; message: string } };
  return { status: response.status, headers: response.headers, code: error?.code, message: error?.message ?? '' };
}
const tokenOf = (client: keyof typeof CLIENTS): string => tokens.get(client) ?? '';

async function recorded(): Promise<readonly (AuditRecord & { readonly kind: 'denial' })[]> {
  await denials.close();
  return linesIn(join(home, 'audit', 'api-1'))
    .filter((line) => !line.startsWith('{"seal"'))
    .map((line) => JSON.parse(line) as AuditRecord)
    .filter((record): record is AuditRecord & { readonly kind: 'denial' } => record.kind === 'denial');
}

describe('a token of the OpenID provider (trust.md, The control API)', () => {
  it('counts by signature, issuer, audience and time, over TLS on an address of the network', async () => {
    expect(served.url).toMatch(/^https:/);
    expect(await ask(tokenOf('reader'), '/v1/rotations')).toMatchObject({ status: 200 });
    expect(await ask(tokenOf('reader'), '/v1/nodes')).toMatchObject({ status: 200 });
  });

  it('does not count where anything about it is wrong, and nothing of it is in the answer', async () => {
    const now = Math.floor(Date.now() / 1000);
    const good = { iss: provider.issuer, aud: AUDIENCE, sub: 'mallory', groups: ['leads'], iat: now, exp: now + 600 };
    expect(await ask(await provider.signed(good), '/v1/rotations')).toMatchObject({ status: 200 });
    const { kid, n } = provider.publicKey;
    const own = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    const { exp: _exp, ...endless } = good;
    const { sub: _sub, ...nameless } = good;
    const wrong = {
      'by another key under the same name': await new SignJWT(good).setProtectedHeader({ alg: 'RS256', kid }).sign(own),
      'by a key of its own in its header': await new SignJWT(good).setProtectedHeader({ alg: 'RS256', jwk: { kty: 'RSA', e: 'AQAB', n } }).sign(own),
      'by the public key as if it were a secret': await new SignJWT(good).setProtectedHeader({ alg: 'HS256', kid }).sign(Buffer.from(n, 'base64url')),
      'without a signature': new UnsecuredJWT(good).encode(),
      'with its claims changed': (await provider.signed(good)).replace(/\.[^.]+\./, `.${Buffer.from(JSON.stringify({ ...good, sub: 'ada' })).toString('base64url')}.`),
      'for another audience': await provider.tokenOf('everybody', 'https://wiki.acme.test'),
      'of another issuer': await provider.signed({ ...good, iss: 'https://id.elsewhere.test' }),
      'that has expired': await provider.signed({ ...good, exp: now - 31 }),
      'that is not valid yet': await provider.signed({ ...good, nbf: now + 90 }),
      'without an end': await provider.signed(endless),
      'of nobody': await provider.signed(nameless),
      'that is none': 'a.b.c',
      'that is no JWT at all': 'Zm9v',
    }; // prettier-ignore
    for (const [what, token] of Object.entries(wrong)) {
      const answer = await ask(token, '/v1/rotations');
      expect([what, answer.status, answer.code]).toEqual([what, 401, 'NOT_ENTITLED']);
      expect(answer.message).toMatch(/^The token does not count: .+\.$/);
      expect(answer.message).not.toContain(token);
      expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="reseal", error="invalid_token"');
    }
    expect((await ask(null, '/v1/rotations')).headers.get('www-authenticate')).toBe('Bearer realm="reseal"');
    const tolerated = await provider.signed({ ...good, exp: now - 5, nbf: now + 5 });
    expect(await ask(tolerated, '/v1/rotations')).toMatchObject({ status: 200 });
  });

  it('is not asked of a provider that is away, is another one, or does not prove who it is: 503, and who was known a moment ago goes on', async () => {
    const token = tokenOf('reader');
    for (const [given, why] of [
      [{ issuer: 'https://127.0.0.1:1' }, /cannot be read/],
      [{ issuer: `${provider.issuer}/` }, /calls itself/],
      [{ ca: null }, /cannot be read/],
    ] as const) {
      const failed = new OidcTokens({ ...declared(), ...given });
      await expect(failed.verify(token)).rejects.toMatchObject({ code: 'OIDC_UNREACHABLE', message: expect.stringMatching(why) });
      await expect(failed.verify(token)).rejects.toMatchObject({ message: expect.stringContaining('a moment ago') });
    }
    let now = Date.now();
    const oidc = new OidcTokens(declared(), () => now);
    expect(oidc.remembered(token)).toBeNull();
    const caller = await oidc.verify(token);
    expect(caller).toMatchObject({ name: 'reader', roles: ['reader'] });
    expect(oidc.remembered(token)).toEqual(caller);
    now += 60_001;
    expect(oidc.remembered(token)).toBeNull();
    expect(await checkApi({ oidc: declared() }, now)).toEqual([expect.objectContaining({ verdict: 'pass', reason: `${provider.issuer} publishes 1 key` })]);
    expect(await checkApi({ oidc: { ...declared(), issuer: 'https://127.0.0.1:1' } }, now)).toEqual([expect.objectContaining({ verdict: 'away' })]);
  }); // prettier-ignore

  it('gives roles by a claim within another one, a claim whose name has dots, and a text of several words', async () => {
    const roles = { admin: ['operator'], watch: ['reader'] } satisfies OidcDeclaration['roles'];
    const now = Math.floor(Date.now() / 1000);
    const claims = { realm_access: { roles: ['admin', 'other'] }, 'https://acme.test/roles': 'watch admin watch', scope: 'openid' };
    const token = await provider.signed({ iss: provider.issuer, aud: AUDIENCE, sub: 'x', exp: now + 60, ...claims });
    const by = async (claim: string) => (await new OidcTokens({ ...declared(), claim, roles }).verify(token)).roles;
    expect(await by('realm_access.roles')).toEqual(['operator']);
    expect(await by('https://acme.test/roles')).toEqual(['reader', 'operator']);
    for (const claim of ['scope', 'nothing', 'realm_access.roles.length', 'constructor', '__proto__'])
      expect(await by(claim)).toEqual([]);
  }); // prettier-ignore
});

describe('roles (trust.md: roles from claims)', () => {
  const may: Readonly<Record<ApiRole, readonly (ApiRole | 'anyone')[]>> = {
    reader: ['anyone', 'reader'],
    pipeline: ['anyone', 'reader', 'pipeline'],
    operator: ['anyone', 'reader', 'pipeline', 'operator'],
    approver: ['anyone', 'reader', 'approver'],
  };

  it('let nobody take a route that theirs do not open, and everybody those that they do; the token of the home has all', async () => {
    for (const { method, path, needs } of ROUTES) {
      const at = path.replace(/\{\w+\}/g, 'nowhere-1');
      for (const client of [...API_ROLES, 'stranger', null, 'home'] as const) {
        const token = client === null ? null : client === 'home' ? served.token : tokenOf(client);
        const answer = await ask(token, at, method.toUpperCase(), method === 'post' ? {} : undefined);
        const opens =
          client === 'home' || needs === 'anyone' || (client !== null && client !== 'stranger' && may[client].includes(needs));
        const expected = opens ? [200, 400, 404] : [client === null ? 401 : 403];
        expect([client, method, path, expected.includes(answer.status), answer.status]).toEqual([client, method, path, true, answer.status]);
        if (!opens && client !== null) expect(answer.message).toContain(`This needs the role ${needs}`);
      }
    }
  }); // prettier-ignore

  it('of a claim that says the name of a role itself, and nothing that is declared, are none', async () => {
    expect(await ask(tokenOf('stranger'), '/v1/rotations')).toMatchObject({
      status: 403,
      code: 'NOT_ENTITLED',
      message:
        'This needs the role reader, and the token gives none. Roles come from the OpenID provider, by api.oidc.roles of reseal.yaml.',
    });
  });

  it('of a pipeline give a seat back by its token, and take none from anybody', async () => {
    const byName = { holder: 'x', by: 'ada', ticket: 'CHG-7' };
    expect(await ask(tokenOf('pipeline'), '/v1/seats/nowhere/release', 'POST', byName)).toMatchObject({ status: 403, message: expect.stringContaining('the role operator') });
    expect(await ask(tokenOf('operator'), '/v1/seats/nowhere/release', 'POST', byName)).toMatchObject({ status: 404 });
    expect(await ask(tokenOf('pipeline'), '/v1/seats/nowhere/release', 'POST', { token: 'x' })).toMatchObject({ status: 404 });
  }); // prettier-ignore

  it('open nothing that a signed statement or the roster does not', async () => {
    const start = { line: 'ios-main', by: 'nobody', ticket: 'CHG-7' };
    expect(await ask(tokenOf('everybody'), '/v1/rotations', 'POST', start)).toMatchObject({ status: 403, message: expect.stringContaining('roster') });
  }); // prettier-ignore
});

describe('a claim that says who of the roster bears the token', () => {
  beforeAll(async () => {
    await served.close();
    await served.open('127.0.0.1:0', { oidc: new OidcTokens({ ...declared(), person: 'preferred_username' }), denials });
  });
  afterAll(async () => {
    await served.close();
    await served.open('127.0.0.1:0', { oidc: new OidcTokens(declared()), denials, overTls: true });
  });

  it('lets nobody ask by name in the name of somebody else; the token of the home, which has none, still may', async () => {
    const claims = { iss: provider.issuer, aud: AUDIENCE, sub: '7f3a', groups: ['release', 'leads'], exp: Math.floor(Date.now() / 1000) + 60 };
    const rita = await provider.signed({ ...claims, preferred_username: 'rita' });
    const restore = (token: string, by: string) => ask(token, '/v1/nodes/nowhere/restore', 'POST', { by, ticket: 'CHG-7' });
    expect((await restore(rita, 'rita')).message).not.toContain('api.oidc.person');
    expect(await restore(rita, 'ada')).toMatchObject({ status: 403, code: 'NOT_ENTITLED', message: "The token is rita's (api.oidc.person of reseal.yaml), so it asks for nothing in the name of ada." });
    for (const odd of [undefined, 'Rita', ['rita'], ''])
      expect(await restore(await provider.signed({ ...claims, preferred_username: odd }), 'rita')).toMatchObject({ status: 403, message: expect.stringContaining('of nobody on the roster') });
    expect((await restore(served.token, 'ada')).message).not.toContain('api.oidc.person');
  });
}); // prettier-ignore

describe('what every answer says to browsers, and what none takes', () => {
  it('is to be kept nowhere, framed nowhere, and asked again over TLS alone; pages of elsewhere read nothing', async () => {
    for (const [path, token] of [['/v1/healthz', null], ['/v1/rotations', served.token], ['/v1/rotations', null], ['/elsewhere', null]] as const) {
      const { headers } = await ask(token, path);
      expect(headers.get('content-security-policy')).toBe("default-src 'none'; frame-ancestors 'none'");
      expect([headers.get('cache-control'), headers.get('x-content-type-options'), headers.get('x-frame-options')]).toEqual(['no-store', 'nosniff', 'DENY']);
      expect(headers.get('strict-transport-security')).toMatch(/^max-age=\d{8}/);
      expect([...headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
    }
    expect(await ask(served.token, '/v1/rotations', 'OPTIONS')).toMatchObject({ status: 405 });
  }); // prettier-ignore

  it('takes no address, headers or other methods beyond what is declared', async () => {
    expect(await ask(served.token, `/v1/rotations?line=${'x'.repeat(9_000)}`)).toMatchObject({ status: 414, code: 'USAGE' });
    expect(await ask('x'.repeat(17_000), '/v1/rotations')).toMatchObject({ status: 431 });
    const other = await ask(served.token, '/v1/rotations', 'DELETE');
    expect([other.status, other.headers.get('allow')]).toEqual([405, 'GET, POST']);
    expect(await ask(served.token, '/v1/rotations/ios-main-1/explode', 'POST', {})).toMatchObject({ status: 404 });
  });
});

describe('limits', () => {
  let now = Date.now();
  const limits = { requestsPerMinute: 30, strangersPerMinute: 6, answerTimeout: 60_000 };
  const reopened = async (): Promise<void> => {
    await denials.close();
    await served.close();
    await served.open('127.0.0.1:0', { oidc: new OidcTokens(declared()), denials, limits, clock: () => now });
  };
  beforeAll(reopened);
  afterAll(async () => {
    await served.close();
    await served.open('127.0.0.1:0', { limits: UNLIMITED });
  });

  it('are for each caller: whoever asks too often is told when to come back, and others go on', async () => {
    const answers = [];
    for (let times = 0; times < 31; times++) answers.push(await ask(tokenOf('reader'), '/v1/lines/nowhere/terms'));
    expect(answers.slice(0, 30).every(({ status }) => status === 404)).toBe(true);
    const last = answers.at(-1);
    expect([last?.status, last?.code, last?.headers.get('retry-after')]).toEqual([429, 'TOO_MANY_REQUESTS', '2']);
    expect(await ask(tokenOf('operator'), '/v1/lines/nowhere/terms')).toMatchObject({ status: 404 });
    now += 2_000;
    expect(await ask(tokenOf('reader'), '/v1/lines/nowhere/terms')).toMatchObject({ status: 404 });
  });

  it('are for each address without a token that counts, and keep nobody out who has one', async () => {
    const statuses = [];
    for (let times = 0; times < 8; times++) statuses.push((await ask(times % 2 === 0 ? 'guess' : null, '/v1/rotations')).status);
    expect(statuses).toEqual([401, 401, 401, 401, 401, 401, 429, 429]);
    expect(await ask(null, '/v1/healthz')).toMatchObject({ status: 429 });
    expect(await ask(served.token, '/v1/healthz')).toMatchObject({ status: 200 });
    expect(await ask(tokenOf('operator'), '/v1/lines/nowhere/terms')).toMatchObject({ status: 404 });
    now += 60_000;
    expect(await ask(null, '/v1/healthz')).toMatchObject({ status: 200 });
  });

  it('of time end an answer that does not begin', async () => {
    await served.close();
    await served.open('127.0.0.1:0', { limits: { ...UNLIMITED, answerTimeout: 1 } });
    expect(await ask(served.token, '/v1/healthz')).toMatchObject({ status: 503, code: 'API_UNREACHABLE', message: expect.stringContaining('No answer came within') });
  }); // prettier-ignore
});

describe('denials (T4)', () => {
  it('are on the record with time, route, caller, person, role and address, repeats counted, and without any token', async () => {
    await served.close();
    await served.open('127.0.0.1:0', { oidc: new OidcTokens(declared()), denials });
    const before = (await recorded()).length;
    for (let times = 0; times < 5; times++) await ask('guessed-token-4711', '/v1/rotations');
    for (let times = 0; times < 2; times++) await ask(tokenOf('reader'), '/v1/nodes/lab-1/purge', 'POST', {});
    await ask(served.token, '/v1/rotations', 'POST', { line: 'ios-main', by: 'mallory', ticket: 'CHG-7' });
    await ask(served.token, '/v1/rotations/ios-main-1/approve', 'POST', { statement: { says: 'approve', person: 'mallory' }, signature: 'x' });
    await ask(null, '/v1/../../etc/passwd%0a');
    const records = (await recorded()).slice(before);
    const address = '127.0.0.1';
    expect(records.map(({ code, facts }) => ({ code, ...facts }))).toEqual([
      { code: 'NOT_ENTITLED', route: 'GET /v1/rotations', status: 401, address, times: 1 },
      { code: 'NOT_ENTITLED', route: 'POST /v1/nodes/{name}/purge', status: 403, caller: 'reader', role: 'operator', address, times: 1 },
      { code: 'NOT_ENTITLED', route: 'POST /v1/rotations', status: 403, caller: 'the token of the home', person: 'mallory', address, times: 1 },
      { code: 'STATEMENT_REFUSED', route: 'POST /v1/rotations/{id}/approve', status: 409, caller: 'the token of the home', person: 'mallory', address, times: 1 },
      { code: 'NOT_ENTITLED', route: 'GET /v1/rotations', status: 401, address, times: 4 },
      { code: 'NOT_ENTITLED', route: 'POST /v1/nodes/{name}/purge', status: 403, caller: 'reader', role: 'operator', address, times: 1 },
    ]);
    expect(records.every(({ at }) => Math.abs(Date.parse(at) - Date.now()) < 60_000)).toBe(true);
    const text = linesIn(join(home, 'audit', 'api-1')).join('\n');
    for (const secret of ['guessed-token', served.token, ...tokens.values(), 'passwd']) expect(text).not.toContain(secret);
    expect(text).toContain('"status":429');
    expect(text).toMatch(/"from":"callers","route":"several"/);
    await until(async () => faults(await verified(join(home, 'audit', 'api-1'))).length === 0, { what: 'a chain that is sealed to its end', timeout: 10_000 });
  }); // prettier-ignore

  it('are shown by audit tail and audit verify like every chain', async () => {
    const env = { RESEAL_HOME: home };
    const tail = await served.reseal(['audit', 'tail', '--count', '1000'], { env });
    expect(tail.stdout).toMatch(
      /turned away \(NOT_ENTITLED\) +address=127\.0\.0\.1 caller=reader role=operator route=POST \/v1\/nodes\/\{name\}\/purge status=403 times=1/,
    );
  });
});

it('whoever follows a rotation does so for as long as the token counts', async () => {
  expect(await served.post('/v1/rotations', { line: 'ios-main', by: 'rita', ticket: 'CHG-7' })).toMatchObject({ status: 201 });
  // Within the tolerance of clocks, for three seconds more.
  const exp = Math.floor(Date.now() / 1000) - 27;
  const token = await provider.signed({ iss: provider.issuer, aud: AUDIENCE, sub: 'x', groups: ['eng'], exp });
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(new URL('/v1/rotations/ios-main-1/events', served.url), { headers });
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
  expect(await response.text()).toContain('asked for by rita');
  expect(Date.now()).toBeGreaterThanOrEqual((exp + 30) * 1000);
  expect((await served.rotation('ios-main-1')).outcome).toBeNull();
  expect(await ask(token, '/v1/rotations')).toMatchObject({ status: 401 });
}); // prettier-ignore

it('a server that is not what it says it is gets no token', async () => {
  const other = new TestAuthority(temporaryFolder('reseal-door-other'));
  const trust = { kind: 'authority', pem: other.pem } as const;
  const error: unknown = await request(new URL('/token', provider.issuer), { method: 'POST', headers: {}, body: 'x', trust }).catch((thrown: unknown) => thrown); // prettier-ignore
  expect(isUnproven(error)).toBe(true);
});
