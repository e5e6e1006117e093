import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { expect, it } from 'vitest';
import { SidecarSchema } from '../../src/schema/sidecar.js';
import { COMMANDS } from '../../src/cli/commands.js';

const ROOT = join(import.meta.dirname, '../..');
const guide = readFileSync(join(ROOT, 'docs/sidecar.md'), 'utf8');
const sources = ['src', 'activities']
  .flatMap((folder) => readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(ROOT, folder, name)))
  .filter((name) => name.endsWith('.ts'))
  .map((name) => readFileSync(name, 'utf8'))
  .join('\n');

it('docs/sidecar.md shows a sidecar.yaml that is one', () => {
  const [, yaml = ''] = /```yaml\n(schemaVersion[\s\S]*?)```/.exec(guide) ?? [];
  expect(Object.keys(SidecarSchema.parse(parse(yaml)).aliases)).toEqual(['ios-main-97134e8c', 'ios-main-5f2c9a1e']);
});

it('docs/sidecar.md names commands that there are, and sentences that the program says', () => {
  for (const [, command = ''] of guide.matchAll(/reseal (sidecar [a-z]+)/g)) expect(COMMANDS.map(({ path }) => path)).toContain(command);
  const table = guide.slice(guide.indexOf('## When it does not work'));
  const said = [...table.matchAll(/^\| ([^|]+?) +\|/gm)].map(([, sentence = '']) => sentence).filter((one) => !/^(?:said|-+)$/.test(one));
  expect(said.length).toBeGreaterThan(5);
  const pieces = (sentence: string): string => sentence.replace(/^the signing sidecar (?=is|ended)/, '');
  for (const sentence of said) expect(sources, sentence).toContain(pieces(sentence));
});
