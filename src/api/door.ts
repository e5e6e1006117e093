import { getConnInfo } from '@hono/node-server/conninfo';
import type { Context } from 'hono';
import { matchedRoutes } from 'hono/route';
import type { z } from 'zod';
import type { ApiRole } from '../domain/api-roles.js';
import { type ErrorCode, ResealError } from '../domain/errors.js';
import { apiLimits } from '../schema/reseal.js';
import { Allowance, neighbourhood } from './allowance.js';
import { HOME_CALLER, mayBe, speaksFor, type Caller } from './caller.js';
import type { Denials } from './denials.js';
import { failure } from './errors.js';
import type { OidcTokens } from './oidc.js';
import { pathPattern } from './openapi.js';
import { ROUTES, type RouteDescription } from './routes.js';
import { sameText } from './token.js';

type Limits = z.infer<typeof apiLimits>;

/** Those of reseal.yaml where it names none. */
export const DEFAULT_LIMITS: Limits = apiLimits.parse({});

export interface DoorOptions {
  /** The bearer token of the home, which opens everything. */
  readonly token: string;
  /** Tokens of an OpenID provider; missing: none count. */
  readonly oidc?: Pick<OidcTokens, 'remembered' | 'verify'>;
  /** Default: `DEFAULT_LIMITS`. */
  readonly limits?: Limits;
  /** Where it is written down who was turned away; missing: nowhere. */
  readonly denials?: Pick<Denials, 'record'>;
  /** Milliseconds since 1970. Default: the machine's clock. */
  readonly clock?: () => number;
}

const BY_NAME = new Map(ROUTES.map((route) => [`${route.method.toUpperCase()} ${route.path}`, route]));
const PATTERNS = ROUTES.map(({ method, path }) => ({ method: method.toUpperCase(), pattern: pathPattern(path) }));

/** Who is let in. Every request under `/v1` passes here first. */
export class Door {
  private readonly callers: Allowance;
  private readonly strangers: Allowance;

  constructor(private readonly options: DoorOptions) {
    const { limits = DEFAULT_LIMITS, clock = Date.now } = options;
    this.callers = new Allowance(limits.requestsPerMinute, clock);
    this.strangers = new Allowance(limits.strangersPerMinute, clock);
  }

  /**
   * The answer to somebody who is not let in; null: go on.
   * @throws ResealError OIDC_UNREACHABLE
   */
  async refusal(context: Context): Promise<Response | null> {
    const route = routeOf(context);
    const given = /^Bearer ([^\s]+)$/i.exec(context.req.header('authorization') ?? '')?.[1] ?? null;
    if (route?.needs === 'anyone') return this.openTo(context, given);
    const found = given === null ? WITHOUT : await this.callerOf(context, given);
    if (!('caller' in found)) return this.stranger(context, found.why, given);
    const { caller } = found;
    context.set('caller', caller);
    const wait = this.callers.take(caller.name);
    if (wait !== null) return this.tooMany(context, wait);
    // What no route answers is told as that, further on.
    if (route === null || mayBe(caller, route.needs)) return null;
    this.turnedAway(context, 403, 'NOT_ENTITLED', route.needs);
    return context.json(failure('NOT_ENTITLED', roleMissing(caller, route.needs)), 403, { 'www-authenticate': 'Bearer realm="reseal", error="insufficient_scope"' }); // prettier-ignore
  }

  /** Takes down that somebody was turned away. */
  turnedAway(context: Context, status: number, code: ErrorCode, role: ApiRole | null = null): void {
    const route = routeOf(context);
    this.options.denials?.record({
      ...{ status, code, role, address: addressOf(context) },
      route: route === null ? `${plainMethod(context)} elsewhere` : `${route.method.toUpperCase()} ${route.path}`,
      caller: context.get('caller')?.name ?? null,
      person: context.get('person') ?? null,
    });
  }

  /** What needs no token is given out, to strangers at their pace. */
  private openTo(context: Context, given: string | null): Response | null {
    const isKnown = given !== null && this.known(given) !== null;
    const wait = isKnown ? null : this.strangers.take(neighbourhood(addressOf(context)));
    return wait === null ? null : this.tooMany(context, wait);
  }

  private known(given: string): Caller | null {
    if (sameText(given, this.options.token)) return HOME_CALLER;
    return this.options.oidc?.remembered(given) ?? null;
  }

  private async callerOf(context: Context, given: string): Promise<{ readonly caller: Caller } | { readonly why: string }> {
    const { oidc } = this.options;
    const known = this.known(given);
    if (known !== null) return { caller: known };
    if (oidc === undefined) return { why: WRONG };
    // Verifying costs more than turning away: who has been wrong too often is not looked at.
    if (this.strangers.look(neighbourhood(addressOf(context))) !== null) return { why: WRONG };
    try {
      return { caller: await oidc.verify(given) };
    } catch (error) {
      if (error instanceof ResealError && error.code === 'NOT_ENTITLED') return { why: error.message };
      throw error;
    }
  }

  private stranger(context: Context, why: string, given: string | null): Response {
    const wait = this.strangers.take(neighbourhood(addressOf(context)));
    if (wait !== null) return this.tooMany(context, wait);
    this.turnedAway(context, 401, 'NOT_ENTITLED');
    const challenge = `Bearer realm="reseal"${given === null ? '' : ', error="invalid_token"'}`;
    return context.json(failure('NOT_ENTITLED', why), 401, { 'www-authenticate': challenge });
  }

  private tooMany(context: Context, wait: number): Response {
    this.turnedAway(context, 429, 'TOO_MANY_REQUESTS');
    const message = `Too many requests in a minute. Ask again in ${wait} ${wait === 1 ? 'second' : 'seconds'}.`;
    return context.json(failure('TOO_MANY_REQUESTS', message), 429, { 'retry-after': String(wait) });
  }
}

const WITHOUT = {
  why: "The control API needs a token, as Authorization: Bearer TOKEN: that of its home, or one of the company's OpenID provider.",
} as const;
const WRONG = 'The token does not count: it is not that of the home.';

function roleMissing({ roles }: Caller, needed: ApiRole): string {
  const has = roles.length === 0 ? 'gives none' : `gives ${roles.join(' and ')}`;
  return `This needs the role ${needed}, and the token ${has}. Roles come from the OpenID provider, by api.oidc.roles of reseal.yaml.`;
}

/** For what a body decides. @throws ResealError NOT_ENTITLED */
export function mustBe(context: Context, role: ApiRole): void {
  const caller = context.get('caller');
  if (caller === undefined || !mayBe(caller, role)) throw new ResealError('NOT_ENTITLED', roleMissing(caller ?? NOBODY, role));
}
/** For what goes by name alone. @throws ResealError NOT_ENTITLED */
export function mustSpeakFor(context: Context, by: string): void {
  const caller = context.get('caller') ?? NOBODY;
  if (speaksFor(caller, by)) return;
  const whose = caller.person === null ? 'is of nobody on the roster' : `is ${String(caller.person)}'s`;
  throw new ResealError(
    'NOT_ENTITLED',
    `The token ${whose} (api.oidc.person of reseal.yaml), so it asks for nothing in the name of ${by}.`,
  );
}

const NOBODY: Caller = { name: '', roles: [] };

/** The declared route that answers; null where none does. @throws ResealError INTERNAL where one answers of which nobody has declared who may take it */
export function routeOf(context: Context): RouteDescription | null {
  const own = matchedRoutes(context).find(({ method }) => method !== 'ALL');
  if (own === undefined) return null;
  const declared = BY_NAME.get(`${own.method} ${own.path.replaceAll(/:(\w+)/g, '{$1}')}`);
  if (declared !== undefined) return declared;
  throw new ResealError('INTERNAL', `Nobody has declared who may take ${own.method} ${own.path} (src/api/routes.ts).`);
}

/** Whether a path is a route's own, and another route answers to its method: `GET /v1/rotations/plan` asks for no rotation called plan. */
export function isMistaken(context: Context): boolean {
  const { path } = context.req;
  return routeOf(context)?.path !== path && ROUTES.some((route) => route.path === path);
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
const plainMethod = (context: Context): string => METHODS.find((method) => method === context.req.method) ?? 'ANOTHER METHOD';

/** Of the connection: what a request says of itself, anybody can write. */
function addressOf(context: Context): string {
  try {
    return getConnInfo(context).remote.address ?? 'unknown';
  } catch {
    return 'unknown';
  }
}

/** What no route answers: 405 where one does to another method (RFC 9110, 15.5.6). */
export function notThere(context: Context): Response {
  const { method, path } = context.req;
  const allowed = PATTERNS.filter(({ pattern }) => pattern.test(path)).map((one) => one.method);
  if (allowed.length === 0) return context.json(failure('NOT_FOUND', `There is no ${method} ${path}.`), 404);
  return context.json(failure('USAGE', `${path} takes ${allowed.join(' and ')}, not ${method}.`), 405, { allow: allowed.join(', ') });
}
