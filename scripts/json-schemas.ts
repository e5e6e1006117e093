// Writes docs/schemas/*.json from the zod schemas: `npm run schemas`.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';
import { configurationJsonSchemas } from '../src/schema/json-schemas.js';

const folder = fileURLToPath(new URL('../docs/schemas', import.meta.url));
mkdirSync(folder, { recursive: true });
for (const [name, schema] of Object.entries(configurationJsonSchemas())) {
  writeFileSync(join(folder, name), await format(JSON.stringify(schema), { parser: 'json', printWidth: 140 }));
}
