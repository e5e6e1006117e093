import { z } from 'zod';
import { isName, isSha256, NAME_PATTERN } from '../domain/brands.js';
import { PLAIN_LINES_PATTERN, PLAIN_PATTERN } from '../domain/plain-text.js';
import { isPlain, isPlainInLines } from './fields.js';

/** What a function of ours checks, as a pattern of JSON Schema: zod describes its own checks alone. */
const PATTERNS = new Map<unknown, string>([
  [isPlain, PLAIN_PATTERN],
  [isPlainInLines, PLAIN_LINES_PATTERN],
  [isName, NAME_PATTERN],
  [isSha256, '^[0-9a-f]{64}$'],
]);

/** JSON Schema (2020-12) of what a schema takes. @param patterns of single schemas, beside those that they have */
export function describedSchema(schema: z.ZodType, patterns: ReadonlyMap<unknown, string> = new Map()): object {
  const { $schema: _dialect, ...described } = z.toJSONSchema(schema, {
    io: 'input',
    override: ({ zodSchema, jsonSchema }) => {
      const checks = (zodSchema._zod.def.checks ?? []).map((check) => PATTERNS.get((check._zod.def as { readonly fn?: unknown }).fn));
      const pattern = patterns.get(zodSchema) ?? checks.find((one) => one !== undefined);
      if (pattern !== undefined) jsonSchema.pattern ??= pattern;
    },
  });
  return described;
}
