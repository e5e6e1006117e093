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
