import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { isAudience, type Audience } from '../../domain/codec/audience.js';
import { ResealError } from '../../domain/errors.js';
import { readJson } from '../../schema/json-text.js';

/** Of AES-256, in bytes. */
export const KEY_LENGTH = 32;

/** `active`: what is written is written under it; `read-only`: only what was written under it is still read, or will be written by others soon. */
export type KeyStatus = 'active' | 'read-only';

/** One key of a key file. A control plane's are roots, from which those of nodes and gateways are derived; a node's file has its own ones. */
export interface StoredKey {
  readonly id: string;
  readonly for: Audience;
  readonly status: KeyStatus;
  /** Since when it has this status. */
  readonly since: string;
  readonly key: Uint8Array;
}

const Stored = z.strictObject({
  id: z.string().regex(/^k[a-z0-9-]{4,40}$/),
  for: z.string().refine(isAudience),
  status: z.enum(['active', 'read-only']),
  since: z.iso.datetime(),
  key: z
    .string()
    .transform((text) => Buffer.from(text, 'base64url'))
    .refine((bytes) => bytes.length === KEY_LENGTH),
});

const KeyFile = z.strictObject({ schemaVersion: z.literal(1), keys: z.array(Stored).min(1) });

/** What is wrong with a key file is told by its fields, never by what they hold. @throws ResealError CONFIG_INVALID */
export function parseKeys(text: string, where: string): readonly StoredKey[] {
  const read = readJson(text);
  // The cause is left out: the parser's own words quote the document.
  if (!('value' in read)) throw damaged(where, read.fault);
  const parsed = KeyFile.safeParse(read.value);
  if (!parsed.success) {
    const fields = [...new Set(parsed.error.issues.map((issue) => issue.path.map(String).join('.') || 'the document'))];
    throw damaged(where, `is not of the form that it should have, at ${fields.join(', ')}`);
  }
  const { keys } = parsed.data;
  refuseAmbiguity(keys, where);
  return keys;
}

function damaged(where: string, why: string): ResealError {
  return new ResealError(
    'CONFIG_INVALID',
    `The codec keys of ${where} cannot be used: what is there ${why}. Make a file with \`reseal codec-key new\`, or with \`reseal codec-key hand-out\` for a node.`,
  );
}

function refuseAmbiguity(keys: readonly StoredKey[], where: string): void {
  for (const audience of new Set(keys.map((key) => key.for))) {
    const own = keys.filter((key) => key.for === audience);
    const active = own.filter((key) => key.status === 'active').length;
    if (active !== 1) throw damaged(where, `has ${active} active keys for ${audience} where it should have one`);
    if (new Set(own.map((key) => key.id)).size < own.length) throw damaged(where, `has a key for ${audience} twice`);
  }
}

/** Keys as their file has them. Holds secrets: for a file of mode 0600, and nothing else. */
export const keysText = (keys: readonly StoredKey[]): string =>
  `${JSON.stringify({ schemaVersion: 1, keys: keys.map((one) => ({ ...one, key: Buffer.from(one.key).toString('base64url') })) }, null, 2)}\n`;

/** A root key that nobody has had yet. @param now milliseconds since 1970 */
export function newRootKey(status: KeyStatus, now: number): StoredKey {
  const since = new Date(now).toISOString();
  const id = `k${since.slice(0, 10).replaceAll('-', '')}-${randomBytes(3).toString('hex')}`;
  return { id, for: 'control', status, since, key: randomBytes(KEY_LENGTH) };
}
