import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRemoteJWKSet, customFetch, errors, jwtVerify, type JWTPayload, type RemoteJWKSet } from 'jose';
import { z } from 'zod';
import type { ApiRole } from '../domain/api-roles.js';
import { isName } from '../domain/brands.js';
import { ResealError } from '../domain/errors.js';
import type { OidcDeclaration } from '../schema/reseal.js';
import type { Caller } from './caller.js';
import { request, type Trust } from './request.js';

/** Signatures by keys that the provider alone has: with HMAC whoever verifies could sign, and `none` is no signature. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'];
/** What two clocks may differ by, in seconds. */
const TOLERANCE = 30;
/** Of an answer of the provider, in milliseconds. */
const PATIENCE = 5_000;
/** After a provider could not be read, in milliseconds: requests do not queue up before one that is down. */
const AGAIN_AFTER = 5_000;
/** How long a token that was verified is taken without looking again, in milliseconds. */
const KNOWN_FOR = 60_000;
const MOST_KNOWN = 10_000;
const LONGEST_SUBJECT = 200;
/** Three parts of Base64url: what is no JWT costs nothing to tell. */
const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/;

const DiscoverySchema = z.object({ issuer: z.string(), jwks_uri: z.string() });

interface Known {
  readonly caller: Caller;
  readonly until: number;
}

/** Verifies bearer tokens of an OpenID provider (OpenID Connect Discovery 1.0, RFC 9068) by the keys that it publishes. */
export class OidcTokens {
  private readonly trust: Trust;
  private keys: Promise<RemoteJWKSet> | null = null;
  private failedAt = -Infinity;
  private readonly known = new Map<string, Known>();

  /** @param clock milliseconds since 1970 @throws ResealError CONFIG_INVALID where the file of its authorities cannot be read */
  constructor(
    private readonly declared: OidcDeclaration,
    private readonly clock: () => number = Date.now,
  ) {
    this.trust = declared.ca === null ? { kind: 'public' } : { kind: 'authority', pem: readAuthorities(declared.ca) };
  }

  /** Whoever bears a token that was verified a moment ago. */
  remembered(token: string): Caller | null {
    const known = this.known.get(digestOf(token));
    return known === undefined || known.until <= this.clock() ? null : known.caller;
  }

  /** @throws ResealError NOT_ENTITLED, with why and nothing of the token; OIDC_UNREACHABLE */
  async verify(token: string): Promise<Caller> {
    if (!JWT.test(token)) throw refused('it is no token of the provider, nor that of the home');
    const claims = await this.claimsOf(token, await this.keysNow());
    const { sub = '' } = claims;
    if (sub === '' || sub.length > LONGEST_SUBJECT) throw refused('its subject is missing, or too long');
    const until = ((claims.exp ?? 0) + TOLERANCE) * 1000;
    const name = sub.replaceAll(/[\p{C}\p{Z}]/gu, '?');
    const caller: Caller = { name, roles: this.rolesOf(claims), until, ...this.personOf(claims) };
    this.remember(token, { caller, until: Math.min(this.clock() + KNOWN_FOR, until) });
    return caller;
  }

  /** Reads the provider's description and keys, as `doctor` does. How many keys there are. @throws ResealError OIDC_UNREACHABLE */
  async look(): Promise<number> {
    const keys = await this.keysNow();
    try {
      await keys.reload();
    } catch (error) {
      throw this.unreachable('its keys cannot be read', error);
    }
    return keys.jwks()?.keys.length ?? 0;
  }

  private async claimsOf(token: string, keys: RemoteJWKSet): Promise<JWTPayload> {
    const { issuer, audience } = this.declared;
    try {
      const { payload } = await jwtVerify(token, keys, {
        ...{ issuer, audience, algorithms: ALGORITHMS, clockTolerance: TOLERANCE },
        ...{ requiredClaims: ['exp', 'sub'], currentDate: new Date(this.clock()) },
      });
      return payload;
    } catch (error) {
      throw this.worded(error);
    }
  }

  private worded(error: unknown): ResealError {
    if (error instanceof errors.JWTExpired) return refused('it has expired');
    if (error instanceof errors.JWTClaimValidationFailed) return refused(`its claim ${error.claim} is not what it has to be here`);
    if (error instanceof errors.JOSEAlgNotAllowed) return refused('it is signed in a way that does not count');
    if (error instanceof errors.JWSSignatureVerificationFailed || error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys)
      return refused('it is not signed by a key of the provider'); // prettier-ignore
    if (error instanceof errors.JWTInvalid || error instanceof errors.JWSInvalid || error instanceof errors.JOSENotSupported)
      return refused('it is no token that can be read');
    return this.unreachable('its keys cannot be read', error);
  }

  private rolesOf(claims: JWTPayload): readonly ApiRole[] {
    const { claim, roles } = this.declared;
    const values = textsOf(claimNamed(claims, claim));
    return [...new Set(values.flatMap((value) => (Object.hasOwn(roles, value) ? (roles[value] ?? []) : [])))];
  }

  private personOf(claims: JWTPayload): Pick<Caller, 'person'> {
    const { person } = this.declared;
    if (person === undefined) return {};
    const named = claimNamed(claims, person);
    return { person: typeof named === 'string' && isName(named) ? named : null };
  }

  private remember(token: string, known: Known): void {
    const [oldest] = this.known.keys();
    if (this.known.size >= MOST_KNOWN && oldest !== undefined) this.known.delete(oldest);
    this.known.set(digestOf(token), known);
  }

  /** One look for all who wait for it; after a failure none for a while. */
  private keysNow(): Promise<RemoteJWKSet> {
    if (this.keys !== null) return this.keys;
    if (this.clock() - this.failedAt < AGAIN_AFTER) throw this.unreachable('it could not be reached a moment ago');
    const keys = this.discover();
    this.keys = keys;
    keys.catch(() => {
      this.failedAt = this.clock();
      this.keys = null;
    });
    return keys;
  }

  private async discover(): Promise<RemoteJWKSet> {
    const { issuer } = this.declared;
    const described = await this.description(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
    if (described.issuer !== issuer) throw this.unreachable(`it calls itself ${JSON.stringify(described.issuer)}; correct api.oidc.issuer`);
    const keys = URL.canParse(described.jwks_uri) ? new URL(described.jwks_uri) : null;
    if (keys === null || (keys.protocol !== 'https:' && !issuer.startsWith('http://')))
      throw this.unreachable('its keys are not to be had over https');
    return createRemoteJWKSet(keys, {
      timeoutDuration: PATIENCE,
      [customFetch]: (url, { method, headers, signal }) =>
        request(new URL(url), { method, headers: Object.fromEntries(headers), signal, trust: this.trust }),
    });
  }

  private async description(address: string): Promise<z.infer<typeof DiscoverySchema>> {
    try {
      const headers = { accept: 'application/json' };
      const asked = { method: 'GET', headers, signal: AbortSignal.timeout(PATIENCE), trust: this.trust };
      const response = await request(new URL(address), asked);
      if (response.status !== 200) throw new Error(`HTTP ${response.status}`);
      return DiscoverySchema.parse(await response.json());
    } catch (error) {
      const why = error instanceof z.ZodError ? 'it is not of the form of OpenID Connect' : (error as Error).message;
      throw this.unreachable(`${address} cannot be read (${why})`, error);
    }
  }

  private unreachable(reason: string, cause?: unknown): ResealError {
    return new ResealError('OIDC_UNREACHABLE', `The OpenID provider ${this.declared.issuer} cannot be asked: ${reason}.`, { cause });
  }
}

const refused = (why: string): ResealError => new ResealError('NOT_ENTITLED', `The token does not count: ${why}.`);

const digestOf = (token: string): string => createHash('sha256').update(token).digest('base64');

/** A claim by its name, which may hold dots itself, else by names with dots between them. */
function claimNamed(claims: JWTPayload, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name];
  return name
    .split('.')
    .reduce<unknown>(
      (within, part) =>
        within !== null && typeof within === 'object' && Object.hasOwn(within, part)
          ? (within as Record<string, unknown>)[part]
          : undefined,
      claims,
    );
}

/** A list of texts, or one text with spaces between them, as `scope`. */
function textsOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return value.split(' ');
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : [];
}

function readAuthorities(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new ResealError('CONFIG_INVALID', `The authorities of the OpenID provider cannot be read: ${(error as Error).message}. Correct api.oidc.ca in reseal.yaml.`, { cause: error }); // prettier-ignore
  }
}
