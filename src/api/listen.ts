import { createServer } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { serve, type ServerType } from '@hono/node-server';
import type { Hono } from 'hono';
import type { ResealError } from '../domain/errors.js';
import type { ServedIdentity } from './tls.js';

export interface RunningHttp {
  readonly url: string;
  stop(): Promise<void>;
}

/** An address `host:port`, an IPv6 host in brackets or not; port 0: a free one. */
export function hostAndPort(address: string): { readonly host: string; readonly port: number } {
  const [, host = '127.0.0.1', port = '0'] = /^\[?([^\]]+?)\]?:(\d+)$/.exec(address) ?? [];
  return { host, port: Number(port) };
}

/** Whoever is slow to speak is not waited for (slowloris); times in milliseconds, sizes in bytes. What an answer may take is not limited here: people follow a rotation for hours. */
const LIMITS = {
  /** All headers and the address of a request together. */
  maxHeaderSize: 16 * 1024,
  headersTimeout: 5_000,
  /** Of a whole request, its body among it. */
  requestTimeout: 30_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
} as const;
const MOST_HEADERS = 100;
/** Of one server at once. */
const MOST_CONNECTIONS = 2_000;
const TLS_HANDSHAKE = 10_000;

/** @param unavailable the error where the address cannot be listened on @param tls missing: plain HTTP */
export function listenOn(
  app: Hono,
  address: string,
  unavailable: (cause: Error) => ResealError,
  tls?: ServedIdentity,
): Promise<RunningHttp> {
  const { host, port } = hostAndPort(address);
  const secure =
    tls === undefined
      ? { createServer, serverOptions: LIMITS }
      : { createServer: createTlsServer, serverOptions: { ...LIMITS, ...tls.current.options, handshakeTimeout: TLS_HANDSHAKE } };
  return new Promise((resolve, reject) => {
    const server: ServerType = serve({ fetch: app.fetch, hostname: host, port, ...secure }, (info: AddressInfo) => {
      tls?.watch((options) => {
        (server as TlsServer).setSecureContext(options);
      });
      const url = `${tls === undefined ? 'http' : 'https'}://${reached(host)}:${info.port}`;
      resolve({ url, stop: () => stop(server).finally(() => tls?.stop()) });
    });
    if ('maxHeadersCount' in server) Object.assign(server, { maxHeadersCount: MOST_HEADERS, maxConnections: MOST_CONNECTIONS });
    server.once('error', (cause: Error) => {
      reject(unavailable(cause));
    });
  });
}

/** How this machine itself reaches what listens on a host. */
function reached(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}

function stop(server: ServerType): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => {
      resolve();
    });
    // Those who follow something would keep the door open for ever.
    if ('closeAllConnections' in server) server.closeAllConnections();
  });
}
