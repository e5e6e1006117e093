import { appendFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { RotationStatus } from '../../src/domain/rotation/status.js';

/** Tells of every gate that opens, as people are told: by a webhook of the mesh's own configuration. */
export interface GateNotices {
  /** The next rotation whose gate is open. */
  next(): Promise<RotationStatus>;
  stop(): void;
}

/** Adds the webhook to the configuration in `folder`; call it before a worker reads that. */
export async function gateNotices(folder: string): Promise<GateNotices> {
  const open: RotationStatus[] = [];
  const waiting: ((status: RotationStatus) => void)[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      response.end();
      const { rotation } = JSON.parse(body) as { readonly rotation: RotationStatus };
      const first = waiting.shift();
      if (first === undefined) open.push(rotation);
      else first(rotation);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  writeFileSync(join(folder, 'webhook.secret'), 'bench\n', { mode: 0o600 });
  appendFileSync(
    join(folder, 'reseal.yaml'),
    `notify:\n  webhooks:\n    - {url: "http://127.0.0.1:${port}/", secretFile: webhook.secret, events: [gate]}\n`,
  );
  return {
    next: () =>
      new Promise((resolve) => {
        const known = open.shift();
        if (known === undefined) waiting.push(resolve);
        else resolve(known);
      }),
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
