import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { appsOf } from '../../src/cli/manifest/apps.js';
import { loadConfiguration } from '../../src/configuration/load.js';
import type { ResealError } from '../../src/domain/errors.js';
import { readKeys } from '../../src/sidecar/keys.js';
import { reseal } from '../cli/terminal.js';
import { temporaryFolder } from '../setup/temporary-folder.js';

/** Longest that a reader may take over any of these, in milliseconds: they are small. */
const PROMPTLY = 20_000;

const doubled = (levels: number): string =>
  [
    'a0: &a0 [x, x, x, x, x, x, x, x, x, x]',
    ...Array.from({ length: levels }, (_, n) => `a${n + 1}: &a${n + 1} [${Array(10).fill(`*a${n}`).join(', ')}]`),
  ].join('\n');

/** What no configuration has, and what the refusal says of it. */
const BOMBS: readonly (readonly [string, string, RegExp])[] = [
  ['aliases of aliases, a billion values in all', doubled(9), /found aliases of aliases, many thousands of values in all/],
  ['an alias of nothing', 'a: *nobody', /found an alias \(\*name\) of an anchor that is not set before it/],
  ['brackets in brackets', `a: ${'['.repeat(2_000)}${']'.repeat(2_000)}`, /found values nested more deeply, expected at most 64 levels/],
  ['a bracket that never ends', '{a: '.repeat(2_500), /found values nested more deeply/],
  ['lists in lists', `${'- '.repeat(2_500)}x`, /found values nested more deeply/],
  ['keys in keys', `${'? '.repeat(2_500)}x`, /found values nested more deeply/],
  ['mappings in mappings', Array.from({ length: 300 }, (_, n) => `${' '.repeat(n)}a:`).join('\n'), /:66: found values nested more deeply/],
  ['twenty thousand fields', Array.from({ length: 20_000 }, (_, n) => `a${n}: 1`).join('\n'), /found 20000 fields in one mapping, expected at most 5000/],
  ['one value that fills the file', `a: ${'x'.repeat(9_000_000)}`, /found a file of 9000003 bytes, expected at most 8388608/],
  ['two documents', 'a: 1\n---\nb: 2', /found Source contains multiple documents/],
  ['bytes that are no text', '\u0000\u0001\u0002', /found |apps.yaml: /],
]; // prettier-ignore

const { policy } = loadConfiguration(join(import.meta.dirname, 'example'));

let folder: string;
beforeEach(() => {
  folder = temporaryFolder('reseal-bombs');
  cpSync(join(import.meta.dirname, 'example'), folder, { recursive: true });
  return () => rmSync(folder, { recursive: true, force: true });
});

function errorOf(work: () => unknown): { readonly code: string; readonly message: string; readonly details: readonly string[] } {
  try {
    work();
  } catch (error) {
    return error as never;
  }
  throw new Error('it was accepted');
}

describe.each(BOMBS)('%s', (_what, bomb, expected) => {
  it.each(['topology.yaml', 'policy.yaml', 'roster.yaml', 'reseal.yaml'])('in %s is refused by its place in the file', (name) => {
    writeFileSync(join(folder, name), bomb);
    const began = performance.now();
    const { code, details } = errorOf(() => loadConfiguration(folder));
    expect(performance.now() - began).toBeLessThan(PROMPTLY);
    expect([code, details.some((one) => one.startsWith(name) && expected.test(one))]).toEqual(['CONFIG_INVALID', true]);
  });

  it('in sidecar.yaml, in telemetry and in apps.yaml too', async () => {
    const [sidecar, telemetry] = [join(folder, 'sidecar.yaml'), join(folder, 'telemetry.yaml')];
    for (const path of [sidecar, telemetry, join(folder, 'apps.yaml')]) writeFileSync(path, bomb);
    const refused = errorOf(() => readKeys(sidecar));
    expect([refused.code, refused.details.some((one) => expected.test(one))]).toEqual(['CONFIG_INVALID', true]);
    const { exit, stderr } = await reseal(['advise', '--compliance', 'standard', '--telemetry', telemetry], { cwd: folder });
    expect([exit, expected.test(stderr)]).toEqual([2, true]);
    const nothing = { cwd: folder, folder, files: { project: undefined, configuration: [], exportOptions: [] }, profiles: [], policy };
    const apps = (await appsOf(nothing).then(() => null, (error: unknown) => error)) as ResealError | null; // prettier-ignore
    expect([apps?.code, apps?.details.some((one) => expected.test(one))]).toEqual(['CONFIG_INVALID', true]);
  });
}); // prettier-ignore

it('a folder, and a pipe that nobody writes to, are no files', () => {
  rmSync(join(folder, 'policy.yaml'));
  mkdirSync(join(folder, 'policy.yaml'));
  expect(errorOf(() => loadConfiguration(folder))).toMatchObject({ code: 'FILE_UNREADABLE', message: expect.stringContaining('policy.yaml cannot be read (it is a folder)') });
  rmSync(join(folder, 'policy.yaml'), { recursive: true });
  execFileSync('mkfifo', [join(folder, 'policy.yaml')]);
  expect(errorOf(() => loadConfiguration(folder))).toMatchObject({ code: 'FILE_UNREADABLE', message: expect.stringContaining('it is no regular file') });
}); // prettier-ignore

it('what is anchored once and named for every node of a large mesh is no bomb', () => {
  const topology = readFileSync(join(folder, 'topology.yaml'), 'utf8');
  const nodes = Array.from({ length: 3_000 }, (_, n) => `  - { name: n-${n}, region: eu-west, image: *image }`).join('\n');
  writeFileSync(join(folder, 'topology.yaml'), topology.replace('image: tahoe-26.1-b4', 'image: &image tahoe-26.1-b4').replace('nodes:\n', `nodes:\n${nodes}\n`));
  expect(loadConfiguration(folder).topology.nodes).toHaveLength(3_004);
}); // prettier-ignore
