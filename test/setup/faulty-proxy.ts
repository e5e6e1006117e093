import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What becomes of a request on its way. */
export type Fault =
  | { readonly kind: 'pass' }
  /** Not passed on; answered as S3 words an error. */
  | { readonly kind: 'answer'; readonly status: number; readonly code: string }
  /** Passed on; the connection breaks in the place of the answer. */
  | { readonly kind: 'lose-answer' }
  /** Passed on; the connection breaks after so many bytes of the answer's body. */
  | { readonly kind: 'cut-answer'; readonly after: number }
  /** Passed on; the head of the answer comes, and then no more. */
  | { readonly kind: 'stall-answer' }
  /** Never answered. */
  | { readonly kind: 'hang' };

export interface FaultyProxy {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  /** From now on. */
  faults(decide: (method: string, path: string) => Fault): void;
  /** `METHOD path` of what has come so far, oldest first. */
  readonly requests: readonly string[];
  stop(): Promise<void>;
}

export const PASS: Fault = { kind: 'pass' };

/** Stands between a client and an HTTP server. Signatures stay valid: the Host that the client has signed goes on as it is. */
export async function startFaultyProxy(target: string): Promise<FaultyProxy> {
  const { hostname, port } = new URL(target);
  const requests: string[] = [];
  let decide: (method: string, path: string) => Fault = () => PASS;
  const server = createServer((incoming, outgoing) => {
    const { method = '', url = '', headers } = incoming;
    requests.push(`${method} ${url}`);
    const fault = decide(method, url);
    if (fault.kind === 'hang') return void incoming.resume();
    if (fault.kind === 'answer') {
      incoming.resume();
      return void incoming.once('end', () =>
        outgoing.writeHead(fault.status, { 'content-type': 'application/xml' }).end(errorBody(fault.code)),
      );
    }
    const onward = request({ hostname, port, method, path: url, headers }, (answer) => passBack(fault, answer, outgoing));
    onward.once('error', () => outgoing.destroy());
    incoming.pipe(onward);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    faults: (next) => void (decide = next),
    requests,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function passBack(fault: Fault, answer: IncomingMessage, outgoing: ServerResponse): void {
  const chunks: Buffer[] = [];
  answer.on('data', (chunk: Buffer) => chunks.push(chunk));
  answer.once('end', () => {
    const body = Buffer.concat(chunks);
    const headers = { ...answer.headers };
    delete headers['transfer-encoding'];
    if (fault.kind === 'lose-answer') return void outgoing.destroy();
    outgoing.writeHead(answer.statusCode ?? 500, { ...headers, ...(body.length > 0 ? { 'content-length': body.length } : {}) });
    if (fault.kind === 'stall-answer') return outgoing.flushHeaders();
    if (fault.kind === 'cut-answer') return void outgoing.write(body.subarray(0, fault.after), () => outgoing.destroy());
    outgoing.end(body);
  });
}

const errorBody = (code: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>as the test has it</Message></Error>`;
