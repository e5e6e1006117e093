import { generateKeyPairSync } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { serve, type ServerType } from '@hono/node-server';
import { importSPKI } from 'jose';
import type { DeveloperAccount } from './account.js';
import { Faults } from './faults.js';
import { routesOf, type LoggedRequest } from './routes.js';
import type { IssuedKey, Role } from './tokens.js';

export interface AppStoreConnectStandIn {
  readonly url: string;
  readonly account: DeveloperAccount;
  readonly faults: Faults;
  /** Every request that came, in order. */
  readonly log: readonly LoggedRequest[];
  /** Requests that are left of the hour. */
  readonly limit: { limit: number; left: number };
  /** Makes an API key; `pem` is what the `.p8` file holds. */
  issueKey(role: Role): Promise<IssuedKey & { readonly pem: string }>;
  stop(): Promise<void>;
}

/**
 * App Store Connect as far as reseal uses it, on a free port of this machine, with Apple's quirks: names of profiles are unique, also those of expired
 * ones, which `/v1/profiles` does not list; INVALID ones have no contents; filters match beginnings; deleting a certificate revokes it.
 */
export async function startAppStoreConnect(account: DeveloperAccount): Promise<AppStoreConnectStandIn> {
  const keys: IssuedKey[] = [];
  const log: LoggedRequest[] = [];
  const limit = { limit: 3500, left: 3500 };
  const faults = new Faults();
  const { fetch } = routesOf({ account, keys, faults, limit, log });
  const server = await new Promise<ServerType>((resolve) => {
    const started = serve({ fetch, hostname: '127.0.0.1', port: 0 }, () => resolve(started));
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    account,
    faults,
    log,
    limit,
    issueKey: async (role) => {
      const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const spki = publicKey.export({ type: 'spki', format: 'pem' }).toString();
      const key = { keyId: `KEY${keys.length + 1}`.padEnd(10, 'X'), issuerId: '57246542-96fe-1a63-e053-0824d011072a', role };
      const issued: IssuedKey = { ...key, publicKey: await importSPKI(spki, 'ES256') };
      keys.push(issued);
      return { ...issued, pem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        if ('closeAllConnections' in server) server.closeAllConnections();
      }),
  };
}
