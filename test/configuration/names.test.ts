import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { loadConfiguration } from '../../src/configuration/load.js';
import { temporaryFolder } from '../setup/temporary-folder.js';

const HOSTILE = [
  '../x', '/etc/passwd', '-oProxyCommand=touch /tmp/x', '--upload-pack=touch /tmp/x', 'a\u0000b', 'a\nb', '$(id)', '`id`', 'a;id', "a'b", 'a b', 'x'.repeat(300), '', '.', '..', 'a/../b',
]; // prettier-ignore

/** Where a name stands that becomes part of a path, a command line, a workflow's id or a ref. */
const DOORS = [
  ['a node', 'topology.yaml', 'name: ams-build-1,'],
  ['a line', 'topology.yaml', '  ios-main:\n'],
  ['a pipeline', 'topology.yaml', 'name: courier-release,'],
  ['the installation', 'topology.yaml', 'installation: acme-prod'],
  ['a host', 'topology.yaml', 'host: 10.1.0.13,'],
  ['a user of a host', 'topology.yaml', 'user: reseal }'],
  ['a person', 'roster.yaml', 'id: alice,'],
  ['a branch', 'reseal.yaml', 'branch: main }'],
] as const;

let folder: string;
beforeEach(() => {
  folder = temporaryFolder('reseal-names');
  cpSync(join(import.meta.dirname, 'example'), folder, { recursive: true });
  return () => rmSync(folder, { recursive: true, force: true });
});

describe.each(DOORS)('the name of %s', (_what, file, place) => {
  it.each(HOSTILE)('is not %j: refused, with its place', (name) => {
    const path = join(folder, file);
    const text = readFileSync(path, 'utf8');
    expect(text).toContain(place);
    const quoted = JSON.stringify(name);
    const written = place.trim().endsWith(':') ? `  ${quoted}:\n` : place.replace(/: [^,}\n ]+/, () => `: ${quoted}`);
    writeFileSync(path, text.replace(place, () => written));
    let refused: unknown = null;
    try {
      loadConfiguration(folder);
    } catch (error) {
      refused = error;
    }
    expect(refused).toMatchObject({ code: 'CONFIG_INVALID', details: expect.arrayContaining([expect.stringMatching(new RegExp(`^${file}:\\d+ `))]) });
  });
}); // prettier-ignore
