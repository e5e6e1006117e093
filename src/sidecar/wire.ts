import { z } from 'zod';
import type { Sha1 } from '../domain/brands.js';

/** Bytes of a request and of an answer, their ends of line included. */
export const MOST_REQUEST = 64 * 1024;
export const MOST_ANSWER = 1024 * 1024;

const sha1 = z
  .string()
  .regex(/^[0-9a-f]{40}$/)
  .transform((text) => text as Sha1);
const path = z.string().min(1).max(1024);

const Request = z.discriminatedUnion('ask', [
  z.strictObject({ protocol: z.literal(1), ask: z.literal('aliases') }),
  z.strictObject({
    protocol: z.literal(1),
    ask: z.literal('sign'),
    alias: z.string().min(1).max(63),
    /** What the alias is to mean; it is not signed with any other. */
    certificate: sha1,
    /** Below the exchange folder. */
    bundle: path,
    /** By path in the bundle, `` for the bundle itself: files below the exchange folder. */
    entitlements: z.record(z.string().max(1024), path),
    /** Who asks, in their own words: nothing proves it but the account that the bundle belongs to. */
    by: z.string().min(1).max(200),
  }),
]);
export type SidecarRequest = z.infer<typeof Request>;
export type SignRequest = Extract<SidecarRequest, { ask: 'sign' }>;

const Alias = z.union([
  z.strictObject({ alias: z.string(), certificate: sha1, commonName: z.string(), team: z.string(), expiresAt: z.string() }),
  /** It cannot sign now, in a sentence. */
  z.strictObject({ alias: z.string(), trouble: z.string() }),
]);
/** An alias as the sidecar tells it. */
export type TellableAlias = z.infer<typeof Alias>;

const SignedCode = z.strictObject({ path: z.string(), identifier: z.string(), cdHash: z.string().nullable() });
/** One piece of code in a signed bundle: `path` below the bundle; the CDHash is null where nothing was signed. */
export type SignedCode = z.infer<typeof SignedCode>;

const Refused = z.strictObject({
  /** `now`: another moment may allow it. `request`: it never will. `key`: people have to look at the sidecar's keys. */
  refused: z.enum(['now', 'request', 'key']),
  sentence: z.string(),
});
export type Refused = z.infer<typeof Refused>;

const Aliases = z.strictObject({
  aliases: z.array(Alias),
  signer: z.enum(['rcodesign', 'stand-in']),
  /** Why sidecar.yaml, as it is now, is not in force; the one before it is. */
  trouble: z.string().nullable(),
});
export type AliasesAnswer = z.infer<typeof Aliases>;
const Signed = z.strictObject({
  /** Below the exchange folder: whoever asked takes it away. */
  signed: path,
  certificate: sha1,
  signature: z.enum(['made', 'stand-in']),
  codes: z.array(SignedCode),
});
export type SignedAnswer = z.infer<typeof Signed>;

export const requestLine = (request: SidecarRequest): string => `${JSON.stringify(request)}\n`;
export const answerLine = (answer: AliasesAnswer | SignedAnswer | Refused): string => `${JSON.stringify(answer)}\n`;

/** Null where it is no request of this protocol. */
export const parseRequest = (line: string): SidecarRequest | null => parsed(Request, line);
/** Null where it is no such answer. */
export const parseAliases = (line: string): AliasesAnswer | Refused | null => parsed(z.union([Aliases, Refused]), line);
export const parseSigned = (line: string): SignedAnswer | Refused | null => parsed(z.union([Signed, Refused]), line);

function parsed<T>(schema: z.ZodType<T>, line: string): T | null {
  try {
    return schema.safeParse(JSON.parse(line)).data ?? null;
  } catch {
    return null;
  }
}
