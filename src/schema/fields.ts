import { z } from 'zod';
import { isName } from '../domain/brands.js';
import { DURATION_PATTERN, parseDuration } from '../domain/duration.js';
import { notPlain, notPlainInLines } from '../domain/plain-text.js';
import type { Share } from '../domain/policy.js';

// The `error` texts complete the sentence "found …, expected …".

/** `7d` in the file, milliseconds in the program. */
export const duration = z
  .string({ error: 'a duration: an integer and ms, s, m, h or d, like 24h' })
  .regex(DURATION_PATTERN, { error: 'a duration: an integer and ms, s, m, h or d, like 24h' })
  .transform((text, context) => {
    const ms = parseDuration(text);
    if (ms !== null) return ms;
    context.addIssue({ code: 'custom', message: 'a duration that can be counted in milliseconds' });
    return z.NEVER;
  })
  .meta({ description: 'An integer and ms, s, m, h or d.' });

/** A duration longer than none: an interval, a timeout. */
export const positiveDuration = duration.refine((ms) => ms > 0, { error: 'a duration longer than 0' });

const percent = z
  .string()
  .regex(/^(?:[1-9][0-9]?|100)%$/)
  .transform((text): Share => ({ percent: Number(text.slice(0, -1)) }));
const count = z
  .int()
  .positive()
  .transform((number): Share => ({ count: number }));

/** `5%` or a count of nodes. */
export const share = z.union([percent, count], { error: 'a share like 5% (1 to 100) or a count of nodes from 1' });

/** Names of lines, nodes, pools, persons, stores, sources. */
export const name = z
  .string({ error: 'a name' })
  .refine(isName, { error: 'a name of lower-case letters, digits and hyphens, at most 63 characters' });

export const branded = <T extends string>() => name.transform((text) => text as T);

/** An age recipient (age-encryption.org/v1): Bech32 of 32 bytes. */
export const ageRecipient = z
  .string({ error: 'a public age key, age1…' })
  .regex(/^age1[02-9ac-hj-np-z]{58}$/, { error: 'a public age key, age1…, as `age-keygen` and `reseal node delivery-key` show it' });

const PLAIN = 'without control characters';

/** As functions of their own, so that what describes a schema finds them in it (src/schema/patterns.ts). */
export const isPlain = (given: string): boolean => notPlain(given) === null;
export const isPlainInLines = (given: string): boolean => notPlainInLines(given) === null;

/** A text on one line that people read: a name, a ticket, an id. */
export const text = z
  .string({ error: 'a text' })
  .min(1, { error: 'a text that is not empty' })
  .refine(isPlain, { error: `a text on one line, ${PLAIN}` });

/** A text that may have several lines, or none. */
export const lines = z.string({ error: 'a text' }).refine(isPlainInLines, { error: `a text ${PLAIN}` });

export const timeOfDay = z
  .string({ error: 'a time of day like "08:00"' })
  .regex(/^(?:[01][0-9]|2[0-3]):[0-5][0-9]$/, { error: 'a time of day like "08:00"' });

export const zone = z.string({ error: 'a time zone like Europe/Berlin' }).refine(
  (id) => {
    try {
      new Intl.DateTimeFormat('en', { timeZone: id });
      return true;
    } catch {
      return false;
    }
  },
  { error: 'a time zone like Europe/Berlin' },
);

export const weekday = z.enum(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']);

export const date = z.iso.date({ error: 'a date like 2026-12-25' });

export const schemaVersion = z.literal(1, { error: 'schemaVersion 1, the only one that this version of reseal reads' });

export const positive = z.int({ error: 'a whole number from 1' }).positive({ error: 'a whole number from 1' });

/** Where a secret comes from, on the machine that uses it: the configuration never holds one. */
export const secretSource = z.union(
  [
    z.strictObject({ file: text }),
    z.strictObject({ environment: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/) }),
    z.strictObject({ command: z.array(z.string().min(1)).min(1) }),
  ],
  { error: 'one of file: PATH, environment: NAME, command: [PROGRAM, ARGUMENT…]' },
);
