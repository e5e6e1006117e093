import type { AddressInfo } from 'node:net';
import { serve, type ServerType } from '@hono/node-server';
import type { Hono } from 'hono';
import type { ResealError } from '../domain/errors.js';

export interface RunningHttp {
  readonly url: string;
  stop(): Promise<void>;
}

/** An address `host:port`, an IPv6 host in brackets or not; port 0: a free one. */
export function hostAndPort(address: string): { readonly host: string; readonly port: number } {
  const [, host = '127.0.0.1', port = '0'] = /^\[?([^\]]+?)\]?:(\d+)$/.exec(address) ?? [];
  return { host, port: Number(port) };
}

/** There is no TLS here, so whoever serves over HTTP serves this machine. */
export const isLoopback = (host: string): boolean => ['127.0.0.1', '::1', 'localhost'].includes(host);

/** @param unavailable the error where the address cannot be listened on */
export function listenOn(app: Hono, address: string, unavailable: (cause: Error) => ResealError): Promise<RunningHttp> {
  const { host, port } = hostAndPort(address);
  return new Promise((resolve, reject) => {
    const server: ServerType = serve({ fetch: app.fetch, hostname: host, port }, (info: AddressInfo) => {
      resolve({ url: `http://${host.includes(':') ? `[${host}]` : host}:${info.port}`, stop: () => stop(server) });
    });
    server.once('error', (cause: Error) => {
      reject(unavailable(cause));
    });
  });
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
