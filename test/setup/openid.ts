import { generateKeyPairSync, type JsonWebKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { importJWK, SignJWT, type JWTPayload } from 'jose';
import { Provider } from 'oidc-provider';
import type { TlsFiles } from './tls.js';

/** What tokens of the tests name as their audience. */
export const AUDIENCE = 'https://reseal.acme.test';

/** A real OpenID provider over TLS on loopback, that gives JWT access tokens to clients (client_credentials, RFC 8707). */
export class OpenIdProvider {
  private constructor(
    private readonly server: Server,
    readonly issuer: string,
    private readonly key: JsonWebKey & { readonly kid: string },
    private readonly ca: string,
  ) {}

  /** @param groups of each client, which its tokens bear in the claim `groups` @param ca authorities of its certificate, in PEM */
  static async start(tls: TlsFiles, ca: string, groups: Readonly<Record<string, readonly string[]>>): Promise<OpenIdProvider> {
    const jwk = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });
    const key = { ...jwk, kid: 'key-of-the-provider', use: 'sig', alg: 'RS256' };
    const server = createServer({ cert: readFileSync(tls.certificate), key: readFileSync(tls.key) });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const issuer = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const provider = new Provider(issuer, {
      jwks: { keys: [key] },
      clients: Object.keys(groups).map((client_id) => ({
        ...{
          client_id,
          client_secret: `secret of ${client_id}`,
          grant_types: ['client_credentials'],
          redirect_uris: [],
          response_types: [],
        },
        token_endpoint_auth_method: 'client_secret_post',
      })),
      features: {
        devInteractions: { enabled: false },
        clientCredentials: { enabled: true },
        resourceIndicators: {
          enabled: true,
          getResourceServerInfo: (_context, audience) => ({
            audience,
            scope: '',
            accessTokenFormat: 'jwt',
            jwt: { sign: { alg: 'RS256' } },
          }),
        },
      },
      extraTokenClaims: (_context, token) => ({ groups: groups[token.clientId ?? ''] ?? [] }),
      ttl: { ClientCredentials: 600 },
    });
    const answer = provider.callback();
    server.on('request', (incoming, outgoing) => void answer(incoming, outgoing));
    return new OpenIdProvider(server, issuer, key, ca);
  }

  /** An access token, as a pipeline gets one. */
  async tokenOf(client: string, resource = AUDIENCE): Promise<string> {
    const { request } = await import('../../src/api/request.js');
    const form = { grant_type: 'client_credentials', client_id: client, client_secret: `secret of ${client}`, resource };
    const response = await request(new URL('/token', this.issuer), {
      ...{ method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: new URLSearchParams(form).toString() },
      trust: { kind: 'authority', pem: this.ca },
    });
    const answer = (await response.json()) as { access_token?: string; error_description?: string };
    if (answer.access_token === undefined) throw new Error(`no token for ${client}: ${answer.error_description ?? response.status}`);
    return answer.access_token;
  }

  /** A token that the provider would not give, signed by its own key. */
  async signed(claims: JWTPayload): Promise<string> {
    return new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: this.key.kid, typ: 'at+jwt' }).sign(await importJWK(this.key as never, 'RS256'));
  } // prettier-ignore

  /** The public half, as attackers know it. */
  get publicKey(): { readonly kid: string; readonly n: string } {
    return { kid: this.key.kid, n: this.key.n ?? '' };
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
