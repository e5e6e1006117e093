import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Notice } from '../../activities/notify/contract.js';

/** A webhook that takes every notice. */
export interface NoticeReceiver {
  readonly url: string;
  /** What it was told, in the order in which it came. */
  readonly heard: readonly Notice[];
  stop(): Promise<void>;
}

export async function receiveNotices(): Promise<NoticeReceiver> {
  const heard: Notice[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      heard.push(JSON.parse(body) as Notice);
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    heard,
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
