import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';
import { expect, it } from 'vitest';
import { ROUTES } from '../../src/api/routes.js';
import { loadConfiguration } from '../../src/configuration/load.js';
import { API_ROLES } from '../../src/domain/api-roles.js';
import { temporaryFolder } from '../setup/temporary-folder.js';

const PAGE = readFileSync(fileURLToPath(new URL('../../docs/api.md', import.meta.url)), 'utf8');
const EXAMPLE = fileURLToPath(new URL('../configuration/example', import.meta.url));

it('docs/api.md shows settings that hold, and limits as they are without any', () => {
  const blocks = [...PAGE.matchAll(/```yaml\n([^`]+)```/g)].map(([, text = '']) => parse(text) as { readonly api: object });
  expect(blocks).toHaveLength(2);
  const folder = join(temporaryFolder('reseal-api-docs'), 'reseal');
  cpSync(EXAMPLE, folder, { recursive: true });
  const written = parse(readFileSync(join(folder, 'reseal.yaml'), 'utf8')) as object;
  const without = loadConfiguration(folder).reseal.api;
  for (const block of blocks) {
    writeFileSync(join(folder, 'reseal.yaml'), stringify({ ...written, ...block }));
    const { api } = loadConfiguration(folder).reseal;
    if ('limits' in block.api) expect(api).toEqual(without);
    else expect(api).toMatchObject({ listen: '0.0.0.0:7443', tls: { key: join(folder, 'tls/server.key') }, client: { ca: join(folder, 'tls/acme-root.pem') } }); // prettier-ignore
  }
});

it('docs/api.md tells every role, and which routes need no token', () => {
  const told = [...PAGE.matchAll(/^\| `(\w+)` +\| /gm)].map(([, role]) => role);
  expect(told).toEqual(API_ROLES);
  for (const { method, path } of ROUTES.filter(({ needs }) => needs === 'anyone')) expect(PAGE).toContain(`\`${method.toUpperCase()} ${path}\``);
}); // prettier-ignore
