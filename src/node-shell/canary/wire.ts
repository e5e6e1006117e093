import type { Socket } from 'node:net';
import { z } from 'zod';
import type { CommandResult } from '../contract.js';
import type { CanaryRequest } from './requests.js';

/** Bytes of a request, its end of line included. */
export const MOST_REQUEST = 64 * 1024;
/** Bytes of an answer: two outputs of 1 MiB, every byte escaped. */
export const MOST_ANSWER = 14 * 1024 * 1024;

const Request = z.strictObject({
  protocol: z.literal(1),
  program: z.enum(['security', 'codesign', 'xcodebuild']),
  args: z.array(z.string().max(4096)).max(64),
  stdin: z.string(),
  timeout: z.int().min(1).max(3_600_000),
});
const Answer = z.union([
  z.strictObject({ code: z.int(), stdout: z.string(), stderr: z.string(), expired: z.boolean() }),
  z.strictObject({ refused: z.string() }),
]);

/** What was run, or why it was not. */
export type CanaryAnswer = CommandResult | { readonly refused: string };

export const requestLine = (request: CanaryRequest): string => `${JSON.stringify({ protocol: 1, ...request })}\n`;
export const answerLine = (answer: CanaryAnswer): string => `${JSON.stringify(answer)}\n`;

/** Null where it is no request of this protocol. */
export const parseRequest = (line: string): CanaryRequest | null => parsed(Request, line);
export const parseAnswer = (line: string): CanaryAnswer | null => parsed(Answer, line);

function parsed<T>(schema: z.ZodType<T>, line: string): T | null {
  try {
    return schema.safeParse(JSON.parse(line)).data ?? null;
  } catch {
    return null;
  }
}

/** The first line that comes, of at most `most` bytes; null where it is longer, or the other side ends before it. */
export function firstLine(socket: Socket, most: number): Promise<string | null> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const end = (line: string | null): void => {
      socket.off('data', more).off('end', none).off('error', none).off('close', none);
      resolve(line);
    };
    const none = (): void => end(null);
    const more = (chunk: Buffer): void => {
      const at = chunk.indexOf(0x0a);
      const part = at < 0 ? chunk : chunk.subarray(0, at);
      length += part.length;
      if (length > most) return end(null);
      chunks.push(part);
      if (at >= 0) end(Buffer.concat(chunks).toString('utf8'));
    };
    socket.on('data', more).on('end', none).on('error', none).on('close', none);
  });
}
