import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { MUTATIONS, mutated } from './mutations.js';

const ROOT = new URL('../../', import.meta.url);

test.each(MUTATIONS.map((mutation) => [mutation.name, mutation] as const))('still applies to the product: %s', (_name, mutation) => {
  const text = readFileSync(fileURLToPath(new URL(mutation.file, ROOT)), 'utf8');
  expect(mutated(mutation, text)).not.toBe(text);
});
