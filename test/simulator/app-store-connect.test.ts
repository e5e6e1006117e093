import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Ajv, type ValidateFunction } from 'ajv';
import formats from 'ajv-formats';
import { SignJWT, importPKCS8 } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TeamAtApple } from '../profile-source/app-store-connect.js';

interface Operation {
  readonly responses: Readonly<Record<string, { readonly content?: { readonly 'application/json'?: { readonly schema: object } } }>>;
}
const FIXTURE = resolve(import.meta.dirname, '../../../shared/fixtures/app-store-connect/openapi-4.4.1.json');
const specification = JSON.parse(readFileSync(FIXTURE, 'utf8')) as { paths: Record<string, Record<string, Operation>>; components: object };

const ajv = new Ajv({ strict: false, allErrors: true });
formats.default(ajv);
ajv.addSchema({ components: specification.components }, 'asc');

/** The schema that the specification has for an answer. Everything it says is required to be known to it. */
function schemaOf(path: string, method: string, status: number): ValidateFunction {
  const schema = specification.paths[path]?.[method]?.responses[`${status}`]?.content?.['application/json']?.schema;
  if (schema === undefined) throw new Error(`The specification has no answer ${status} of ${method} ${path}.`);
  return ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"asc#/')) as object);
}

let team: TeamAtApple;
let device: string;
let profile: string;
beforeAll(async () => {
  team = await TeamAtApple.open();
  const added = team.account.addDevice('00008110-000A1');
  device = added.id;
  const content = team.profile({ kind: 'ad-hoc', devices: [added.udid] });
  profile = team.place('Courier Ad Hoc', content, { profileType: 'IOS_APP_ADHOC', devices: [device] }).id;
});
afterAll(() => team.close());

interface Claims {
  readonly lifetime?: number;
  readonly audience?: string;
  readonly issuer?: string;
}
async function ask(
  path: string,
  init: RequestInit = {},
  { lifetime = 1200, audience = 'appstoreconnect-v1', issuer }: Claims = {},
): Promise<Response> {
  const now = Math.floor(Date.now() / 1000);
  const token = await new SignJWT()
    .setProtectedHeader({ alg: 'ES256', kid: team.key.keyId, typ: 'JWT' })
    .setIssuer(issuer ?? team.key.issuerId)
    .setIssuedAt(now)
    .setExpirationTime(now + lifetime)
    .setAudience(audience)
    .sign(await importPKCS8(team.key.pem, 'ES256'));
  return fetch(`${team.server.url}${path}`, { ...init, headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' } });
}

async function held(path: string, method: string, response: Response): Promise<unknown> {
  const validate = schemaOf(path, method, response.status);
  const document = (await response.json()) as { data?: unknown };
  // Apple's own answers break the specification in one place: an INVALID profile has null for its contents (mac-tools).
  const checked = JSON.parse(JSON.stringify(document).replaceAll('"profileContent":null,', '')) as unknown;
  expect(validate(checked) ? [] : validate.errors).toEqual([]);
  return document;
}

const creation = (name: string, over: object = {}): string =>
  JSON.stringify({
    data: {
      type: 'profiles',
      attributes: { name, profileType: 'IOS_APP_STORE' },
      relationships: {
        bundleId: { data: { type: 'bundleIds', id: team.courier.id } },
        certificates: { data: [{ type: 'certificates', id: team.certificate.id }] },
        ...over,
      },
    },
  });

describe('the stand-in of App Store Connect', () => {
  it.each([
    ['/v1/profiles', () => '/v1/profiles?limit=1'],
    ['/v1/bundleIds', () => '/v1/bundleIds?filter[identifier]=com.acme'],
    ['/v1/bundleIds/{id}/profiles', () => `/v1/bundleIds/${team.courier.id}/profiles`],
    ['/v1/certificates', () => '/v1/certificates'],
    ['/v1/profiles/{id}/certificates', () => `/v1/profiles/${profile}/certificates`],
    ['/v1/profiles/{id}/devices', () => `/v1/profiles/${profile}/devices`],
  ])('answers GET %s as the specification says, with the rate limit', async (path, address) => {
    const response = await ask(address());
    expect(response.status).toBe(200);
    expect(response.headers.get('x-rate-limit')).toMatch(/^user-hour-lim:3500;user-hour-rem:\d+;$/);
    expect(await held(path, 'get', response)).toMatchObject({ data: [expect.anything()] });
    expect(JSON.stringify(specification.paths[path]?.['get'])).not.toBe('');
  });

  it('makes profiles as the specification says, refuses a name twice, and forgets no expired one', async () => {
    expect(await held('/v1/profiles', 'post', await ask('/v1/profiles', { method: 'POST', body: creation('One') }))).toMatchObject({
      data: { attributes: { name: 'One', profileState: 'ACTIVE' } },
    });
    const again = await ask('/v1/profiles', { method: 'POST', body: creation('One') });
    expect(again.status).toBe(409);
    expect(await held('/v1/profiles', 'post', again)).toMatchObject({ errors: [{ detail: expect.stringContaining("'One'") }] });
    team.place('Expired', team.profile({ expiresAt: new Date(team.now - 1000) }));
    expect(await (await ask('/v1/profiles?filter[name]=Expired')).json()).toMatchObject({ data: [] });
    expect((await ask('/v1/profiles', { method: 'POST', body: creation('Expired') })).status).toBe(409);
    const devices = { devices: { data: [{ type: 'devices', id: device }] } };
    expect((await ask('/v1/profiles', { method: 'POST', body: creation('With devices', devices) })).status).toBe(409);
  });

  it('takes no token that Apple would not take', async () => {
    for (const claims of [{ lifetime: 1201 }, { lifetime: -10 }, { audience: 'appstoreconnect-v2' }, { issuer: 'somebody' }]) {
      const refused = await ask('/v1/profiles', {}, claims);
      expect(refused.status).toBe(401);
      await held('/v1/profiles', 'get', refused);
    }
  });

  it('answers what is not there, and what is too much, as the specification says', async () => {
    await held('/v1/profiles/{id}/devices', 'get', await ask('/v1/profiles/nobody/devices'));
    await held('/v1/profiles', 'get', await ask('/v1/profiles?limit=201'));
    team.server.limit.left = 0;
    const limited = await ask('/v1/profiles');
    team.server.limit.left = 3500;
    expect(limited.status).toBe(429);
    await held('/v1/profiles', 'get', limited);
  });

  it('revokes a certificate that is deleted: its profiles are INVALID and have no contents', async () => {
    expect((await ask(`/v1/certificates/${team.certificate.id}`, { method: 'DELETE' })).status).toBe(204);
    const document = await held('/v1/profiles', 'get', await ask('/v1/profiles'));
    expect(document).toMatchObject({ data: [{ attributes: { profileState: 'INVALID', profileContent: null } }, expect.anything()] });
  });
});
