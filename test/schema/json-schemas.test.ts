import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { configurationJsonSchemas } from '../../src/schema/json-schemas.js';

const folder = fileURLToPath(new URL('../../docs/schemas/', import.meta.url));

it('the JSON Schemas in docs/schemas are those of the zod schemas (`npm run schemas` writes them)', () => {
  const fresh = configurationJsonSchemas();
  expect(readdirSync(folder).sort()).toEqual(expect.arrayContaining(Object.keys(fresh).sort()));
  for (const [name, schema] of Object.entries(fresh)) {
    expect(JSON.parse(readFileSync(`${folder}${name}`, 'utf8'))).toEqual(JSON.parse(JSON.stringify(schema)));
  }
});
