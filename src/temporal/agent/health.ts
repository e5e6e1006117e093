import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { WorkerStatus } from '@temporalio/worker';
import { ResealError } from '../../domain/errors.js';

/** What `GET /healthz` of an agent answers. */
export interface AgentHealth {
  readonly schemaVersion: 1;
  /** The agent takes up work. */
  readonly serving: boolean;
  readonly pid: number;
  readonly nodes: readonly { readonly node: string; readonly state: WorkerStatus['runState']; readonly inFlight: number }[];
}

export interface RunningHealth {
  readonly url: string;
  stop(): Promise<void>;
}

/** Answers on loopback alone: 200 while the agent serves, 503 else. @param port 0: a free one */
export async function serveHealth(port: number, health: () => AgentHealth): Promise<RunningHealth> {
  const server = createServer((request, response) => {
    if (request.url !== '/healthz') {
      response.writeHead(404).end();
      return;
    }
    const answer = health();
    response.writeHead(answer.serving ? 200 : 503, { 'content-type': 'application/json' }).end(`${JSON.stringify(answer)}\n`);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      reject(
        new ResealError('USAGE', `The health endpoint cannot listen on port ${port} of loopback: ${cause.message}. Name another --port.`, {
          cause,
        }),
      );
    });
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/healthz`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
