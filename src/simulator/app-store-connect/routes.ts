import { Hono, type Context } from 'hono';
import { METHODS, type DeveloperAccount, type NewProfile } from './account.js';
import { bundleIdDocument, certificateDocument, deviceDocument, errorDocument, profileDocument } from './documents.js';
import type { Faults } from './faults.js';
import { ownerOf, type IssuedKey } from './tokens.js';

export interface LoggedRequest {
  readonly method: string;
  readonly path: string;
  readonly status: number;
}

export interface Served {
  readonly account: DeveloperAccount;
  readonly keys: readonly IssuedKey[];
  readonly faults: Faults;
  readonly limit: { readonly limit: number; left: number };
  readonly log: LoggedRequest[];
}

type Ask = Context<{ Variables: { key: IssuedKey } }>;

const refuse = (c: Ask, status: 400 | 401 | 403 | 404 | 409 | 422 | 429, code: string, title: string, detail: string): Response =>
  c.json(errorDocument(status, code, title, detail), status);
const notFound = (c: Ask, what: string): Response =>
  refuse(
    c,
    404,
    'NOT_FOUND',
    'The specified resource does not exist',
    `There is no resource of type '${what}' with id '${c.req.param('id') ?? ''}'`,
  );
const invalid = (c: Ask, detail: string): Response =>
  refuse(c, 409, 'ENTITY_ERROR.ATTRIBUTE.INVALID', 'There is a problem with the request entity', detail);

export function routesOf(served: Served): Hono<{ Variables: { key: IssuedKey } }> {
  const { account } = served;
  const app = new Hono<{ Variables: { key: IssuedKey } }>();

  app.use(async (c, next) => {
    await next();
    served.log.push({ method: c.req.method, path: new URL(c.req.url).pathname, status: c.res.status });
  });
  app.use(async (c, next) => {
    const fault = served.faults.take(c.req.method);
    if (fault?.fault === 'answer') return new Response(fault.body, { status: fault.status, headers: { ...fault.headers } });
    const owner = await ownerOf(c.req.header('authorization'), served.keys, account.clock());
    if (owner === null)
      return refuse(c, 401, 'NOT_AUTHORIZED', 'Authentication credentials are missing or invalid.', 'Provide a properly configured and signed bearer token, and make sure that it has not expired.'); // prettier-ignore
    c.set('key', owner);
    if (served.limit.left === 0)
      return refuse(
        c,
        429,
        'RATE_LIMIT_EXCEEDED',
        'The request rate limit has been reached.',
        'We have received too many requests for this key.',
      );
    served.limit.left -= 1;
    await next();
    c.res.headers.set('X-Rate-Limit', `user-hour-lim:${served.limit.limit};user-hour-rem:${served.limit.left};`);
    if (fault?.fault === 'truncated') {
      const text = await c.res.text();
      c.res = new Response(text.slice(0, Math.floor(text.length / 2)), {
        status: c.res.status,
        headers: { 'content-type': 'application/json' },
      });
    }
    if (fault?.fault === 'done-and-hung-up') c.res = new Response('', { status: 502 });
    return undefined;
  });

  app.get('/v1/profiles', (c) => {
    const name = c.req.query('filter[name]');
    const listed = account.profiles.filter((one) => !account.hasExpired(one) && (name === undefined || one.name === name));
    return page(c, listed, (one) => profileDocument(account, one, fieldsOf(c)));
  });
  app.post('/v1/profiles', (c) => create(c, account));
  app.get('/v1/bundleIds', (c) => {
    const begin = c.req.query('filter[identifier]') ?? '';
    return page(
      c,
      account.bundleIds.filter((one) => one.identifier.startsWith(begin)),
      (one) => bundleIdDocument(one, account.team),
    );
  });
  app.get('/v1/bundleIds/:id/profiles', (c) => {
    if (!account.bundleIds.some(({ id }) => id === c.req.param('id'))) return notFound(c, 'bundleIds');
    return page(
      c,
      account.profiles.filter((one) => one.bundleId === c.req.param('id')),
      (one) => profileDocument(account, one, fieldsOf(c)),
    );
  });
  app.get('/v1/certificates', (c) =>
    page(
      c,
      account.certificates.filter((one) => !one.revoked),
      certificateDocument,
    ),
  );
  app.get('/v1/profiles/:id/certificates', (c) => {
    const profile = account.profiles.find(({ id }) => id === c.req.param('id'));
    if (profile === undefined) return notFound(c, 'profiles');
    return page(
      c,
      account.certificates.filter((one) => !one.revoked && profile.certificates.includes(one.id)),
      certificateDocument,
    );
  });
  app.get('/v1/profiles/:id/devices', (c) => {
    const profile = account.profiles.find(({ id }) => id === c.req.param('id'));
    if (profile === undefined) return notFound(c, 'profiles');
    return page(
      c,
      account.devices.filter((one) => profile.devices.includes(one.id)),
      deviceDocument,
    );
  });
  app.delete('/v1/profiles/:id', (c) => {
    const index = account.profiles.findIndex(({ id }) => id === c.req.param('id'));
    if (index < 0) return notFound(c, 'profiles');
    account.profiles.splice(index, 1);
    return c.body(null, 204);
  });
  app.delete('/v1/certificates/:id', (c) => {
    const found = account.certificates.find(({ id }) => id === c.req.param('id'));
    if (found === undefined) return notFound(c, 'certificates');
    found.revoked = true;
    return c.body(null, 204);
  });
  app.notFound((c) =>
    c.json(errorDocument(404, 'NOT_FOUND', 'The path does not exist', 'The path does not match a defined resource type.'), 404),
  );
  return app;
}

const fieldsOf = (c: Ask): readonly string[] | null => c.req.query('fields[profiles]')?.split(',') ?? null;

/** One page, and where the next one is; the cursor is a number here. */
function page<T>(c: Ask, items: readonly T[], document: (item: T) => object): Response {
  const limit = Number(c.req.query('limit') ?? '20');
  if (!Number.isInteger(limit) || limit < 1 || limit > 200)
    return refuse(c, 400, 'PARAMETER_ERROR.INVALID', 'A parameter has an invalid value', "'limit' must be between 1 and 200");
  const from = Number(c.req.query('cursor') ?? '0');
  const self = new URL(c.req.url);
  // Written anew, so that brackets are escaped as in every URI.
  self.search = self.searchParams.toString();
  const next = new URL(self);
  next.searchParams.set('cursor', `${from + limit}`);
  const hasMore = from + limit < items.length;
  return c.json({
    data: items.slice(from, from + limit).map(document),
    links: { self: self.href, ...(hasMore ? { next: next.href } : {}) },
    meta: { paging: { total: items.length, limit, ...(hasMore ? { nextCursor: `${from + limit}` } : {}) } },
  });
}

interface Reference {
  readonly data?: { readonly id?: string };
}
interface References {
  readonly data?: readonly { readonly id?: string }[];
}
interface Creation {
  readonly data?: {
    readonly attributes?: { readonly name?: string; readonly profileType?: string };
    readonly relationships?: { readonly bundleId?: Reference; readonly certificates?: References; readonly devices?: References };
  };
}

async function create(c: Ask, account: DeveloperAccount): Promise<Response> {
  if (c.get('key').role === 'DEVELOPER')
    return refuse(
      c,
      403,
      'FORBIDDEN_ERROR',
      'This request is forbidden for security reasons',
      'The API key in use does not allow this request',
    );
  const { data } = await c.req.json<Creation>();
  const ids = (references: References | undefined): readonly string[] =>
    references?.data?.flatMap(({ id }) => (id === undefined ? [] : [id])) ?? [];
  const request: NewProfile = {
    name: data?.attributes?.name ?? '',
    profileType: data?.attributes?.profileType ?? '',
    bundleId: data?.relationships?.bundleId?.data?.id ?? '',
    certificates: ids(data?.relationships?.certificates),
    devices: ids(data?.relationships?.devices),
  };
  const problem = problemOf(account, request);
  if (problem !== null) return invalid(c, problem);
  const made = account.makeProfile(request);
  return c.json({ data: profileDocument(account, made, null), links: { self: new URL(`/v1/profiles/${made.id}`, c.req.url).href } }, 201);
}

/** Why Apple would not make it. */
function problemOf(account: DeveloperAccount, { name, profileType, bundleId, certificates, devices }: NewProfile): string | null {
  const method = METHODS[profileType];
  if (name === '' || method === undefined) return "'name' and 'profileType' are needed";
  if (account.profiles.some((one) => one.name === name))
    return `Multiple profiles found with the name '${name}'. Please remove the duplicate profiles and try again.`;
  if (!account.bundleIds.some(({ id }) => id === bundleId)) return `There is no resource of type 'bundleIds' with id '${bundleId}'`;
  const usable = account.certificates.filter((one) => !one.revoked && one.certificate.notAfter.getTime() > account.clock());
  if (certificates.length === 0 || certificates.some((id) => !usable.some((one) => one.id === id)))
    return 'There is no current certificate with that id';
  if (method === 'app-store' && certificates.length > 1) return 'An App Store profile takes one certificate';
  const needsDevices = method === 'ad-hoc' || method === 'development';
  if (needsDevices !== devices.length > 0) return needsDevices ? 'Devices are needed for this type' : 'This type takes no devices';
  if (devices.some((id) => account.devices.find((one) => one.id === id)?.status !== 'ENABLED'))
    return 'A device is disabled or does not exist';
  return null;
}
