import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { replaceFile } from '../../src/cli/replace-file.js';
import { reseal, type Ran } from './terminal.js';

const EXAMPLES = fileURLToPath(new URL('../../examples/topologies/', import.meta.url));
const OPEN = '<!-- reseal:topology -->';
const CLOSE = '<!-- /reseal:topology -->';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reseal-render-'));
  cpSync(join(EXAMPLES, 'controlled-distribution'), join(folder, 'reseal'), { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const path = (name = 'README.md'): string => join(folder, name);
const write = (content: string | Uint8Array, name?: string): void => writeFileSync(path(name), content);
const read = (name?: string): string => readFileSync(path(name), 'utf8');
const render = (...args: readonly string[]): Promise<Ran> =>
  reseal(['topology', 'render', '--config', join(folder, 'reseal'), ...args], { cwd: folder });

function editTopology(from: string, to: string): void {
  const file = join(folder, 'reseal/topology.yaml');
  const before = readFileSync(file, 'utf8');
  expect(before).toContain(from);
  writeFileSync(file, before.replace(from, to));
}

describe('topology render', () => {
  it('writes lines, holders of keys, and nodes per region and role between the markers of README.md', async () => {
    write(`# Mesh\n\n${OPEN}\nold\n${CLOSE}\n\nEnd.\n`);
    expect(await render()).toMatchObject({ exit: 0, stdout: 'Wrote the topology into README.md.\n', stderr: '' });
    expect(read()).toBe(`# Mesh

${OPEN}

Installation \`acme-prod\`: 9 nodes, 1 line. Written by \`reseal topology render\`; change \`topology.yaml\` instead.

| Line       | Topology                | Identity | Distribution             | Profiles on     | Store  | Sources |
| ---------- | ----------------------- | -------- | ------------------------ | --------------- | ------ | ------- |
| \`ios-main\` | controlled distribution | signers  | mount by \`ams-publish-1\` | signer, compile | \`main\` | \`drop\`  |

| Line       | May hold private keys                                  | One revocation reaches          |
| ---------- | ------------------------------------------------------ | ------------------------------- |
| \`ios-main\` | \`ams-sign-1\`, \`ams-sign-2\`, \`iad-sign-1\`, \`iad-sign-2\` | 8 nodes, 2 pipelines, 3 bundles |

| Line       | Region    | Signers | Compile | Publishers | Nodes |
| ---------- | --------- | ------- | ------- | ---------- | ----- |
| \`ios-main\` | \`eu-west\` | 2       | 2       | 1          | 5     |
| \`ios-main\` | \`us-east\` | 2       | 2       | 0          | 4     |

${CLOSE}

End.
`);
  });

  it('leaves what is outside the markers byte for byte, in any encoding and with CRLF, and follows the line breaks of its marker', async () => {
    const before = Buffer.from([0xef, 0xbb, 0xbf, ...Buffer.from('# Grüße\r\n\r\n'), 0xff, 0xfe, 0x00, 0x0d, 0x0a]);
    const after = Buffer.from([0xc3, 0x28, ...Buffer.from('no line break at the end')]);
    write(Buffer.concat([before, Buffer.from(`${OPEN}\r\nx\r\n${CLOSE}\r\n`), after]));
    expect((await render()).exit).toBe(0);
    const bytes = readFileSync(path());
    expect(bytes.subarray(0, before.length)).toEqual(before);
    expect(bytes.subarray(bytes.length - after.length)).toEqual(after);
    const section = bytes.subarray(before.length, bytes.length - after.length).toString('utf8');
    expect(section.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
    expect(section).toContain('| controlled distribution |');
  });

  it('writes nothing the second time, and what it writes is as prettier leaves it', async () => {
    write(`# Mesh\n\n${OPEN}\n${CLOSE}\n`);
    editTopology('name: ams-build-2, region: eu-west', "name: ams-build-2, region: 'eu | west `x` <!-- /reseal:topology -->'");
    await render();
    const { mtimeMs, ino } = statSync(path());
    expect(await render()).toMatchObject({ exit: 0, stdout: 'README.md says what topology.yaml declares.\n' });
    expect(statSync(path())).toMatchObject({ mtimeMs, ino });
    expect(await format(read(), { parser: 'markdown' })).toBe(read());
    expect((await render('--check')).exit).toBe(0);
  });

  it('keeps the mode of the file and a link to it, and leaves no draft behind', async () => {
    write(`${OPEN}\n${CLOSE}\n`, 'real.md');
    chmodSync(path('real.md'), 0o640);
    symlinkSync('real.md', path());
    expect((await render()).exit).toBe(0);
    expect(lstatSync(path()).isSymbolicLink()).toBe(true);
    expect(statSync(path('real.md')).mode & 0o777).toBe(0o640);
    expect(read('real.md')).toContain('acme-prod');
    expect(readdirSync(folder).sort()).toEqual(['README.md', 'real.md', 'reseal']);
  });

  it('does not write over what somebody else wrote meanwhile', async () => {
    write('theirs');
    await expect(replaceFile(path(), Buffer.from('ours, as it was read'), Buffer.from('ours, new'))).rejects.toMatchObject({
      code: 'REFUSED',
    });
    await expect(replaceFile(path(), null, Buffer.from('ours, new'))).rejects.toMatchObject({ code: 'REFUSED' });
    expect(read()).toBe('theirs');
    expect(readdirSync(folder).sort()).toEqual(['README.md', 'reseal']);
  });
});

describe('topology render --check', () => {
  it('shows drift as a diff that git applies, writes nothing, and exits 1', async () => {
    write(`# Mesh\n\n${OPEN}\n${CLOSE}\n\nEnd.\n`);
    await render();
    editTopology(
      '  - { name: iad-build-2, region: us-east, reach: { kind: ssh, host: iad-build-2.mesh.acme.example, user: reseal } }\n',
      '',
    );
    const before = read();
    const ran = await render('--check');
    expect(ran.exit).toBe(1);
    expect(ran.stderr).toBe('README.md differs from topology.yaml. Run `reseal topology render README.md`, and commit what it writes.\n');
    expect(ran.stdout).toContain(
      '-| `ios-main` | `us-east` | 2       | 2       | 0          | 4     |\n+| `ios-main` | `us-east` | 2       | 1       | 0          | 3     |',
    );
    expect(read()).toBe(before);
    execFileSync('git', ['apply', '-'], { cwd: folder, input: ran.stdout, env: { ...process.env, GIT_CEILING_DIRECTORIES: tmpdir() } });
    expect((await render('--check')).exit).toBe(0);
  });

  it('finds an edit by hand inside the section, and none outside it', async () => {
    write(`# Mesh\n\n${OPEN}\n${CLOSE}\n`);
    await render();
    write(read().replace('# Mesh', '# Our mesh'));
    expect((await render('--check')).exit).toBe(0);
    write(read().replace('iad-sign-2', 'iad-sign-9'));
    expect((await render('--check')).exit).toBe(1);
  });

  it('is one document with --json', async () => {
    write(`${OPEN}\n${CLOSE}\n`, 'docs.md');
    const ran = await render('--check', '--json', 'docs.md');
    expect(ran).toMatchObject({ exit: 1, stderr: '' });
    expect(JSON.parse(ran.stdout)).toEqual({
      schemaVersion: 1,
      file: 'docs.md',
      differs: true,
      written: false,
      diff: expect.stringContaining('+++ b/docs.md\n@@ -1,2 +1,'),
    });
  });
});

describe('a file without markers', () => {
  it.each([[[]], [['--check']]])('is refused with %j: what is expected, and what to do', async (flags) => {
    write('# Mesh\n');
    const ran = await render(...flags);
    expect(ran).toMatchObject({ exit: 2, stdout: '' });
    expect(ran.stderr).toContain(`README.md has no place for the topology: a line ${OPEN} and a line ${CLOSE} below it.`);
    expect(ran.stderr).toContain('--add');
    expect(read()).toBe('# Mesh\n');
  });

  it('that only shows markers in a fence or in a sentence has none', async () => {
    write(`Put \`${OPEN}\` there:\n\n\`\`\`\`md\n\`\`\`\n${OPEN}\n${CLOSE}\n\`\`\`\n\`\`\`\`\n`);
    expect((await render()).exit).toBe(2);
    expect((await render('--add')).exit).toBe(0);
    expect(read().indexOf('| controlled distribution |')).toBeGreaterThan(read().indexOf('````\n\n## Signing topology'));
  });

  it.each([
    ['', '## Signing topology\n\n'],
    ['# Mesh\n', '# Mesh\n\n## Signing topology\n\n'],
    ['# Mesh', '# Mesh\n\n## Signing topology\n\n'],
    ['# Mesh\r\n', '# Mesh\r\n\r\n## Signing topology\r\n\r\n'],
  ])('gets a section at its end with --add: %j', async (content, begin) => {
    write(content);
    expect((await render('--add')).exit).toBe(0);
    expect(read().startsWith(`${begin}${OPEN}`)).toBe(true);
    expect((await render('--check')).exit).toBe(0);
    const once = read();
    await render('--add');
    expect(read()).toBe(once);
  });

  it('that is not there is made with --add, and named without', async () => {
    expect(await render('MESH.md')).toMatchObject({ exit: 2, stderr: expect.stringContaining('There is no MESH.md in') });
    expect((await render('--add', 'MESH.md')).exit).toBe(0);
    expect(read('MESH.md').startsWith(`## Signing topology\n\n${OPEN}\n\nInstallation`)).toBe(true);
  });

  it('in a folder that is not there, or that is a folder itself, is named', async () => {
    expect(await render('--add', 'none/MESH.md')).toMatchObject({
      exit: 2,
      stderr: expect.stringMatching(/none\/MESH\.md cannot be written\./),
    });
    expect(await render('reseal')).toMatchObject({ exit: 2, stderr: expect.stringMatching(/reseal cannot be read; expected a file\./) });
  });

  it('is refused with --check and --add together', async () => {
    write('# Mesh\n');
    expect(await render('--check', '--add')).toMatchObject({ exit: 2, stderr: expect.stringContaining('give one of them') });
  });
});

describe('markers that are not one pair', () => {
  it.each([
    [`a\n${OPEN}\n`, 'on line 2 and <!-- /reseal:topology --> on line none'],
    [`${CLOSE}\n${OPEN}\n`, 'on line 2 and <!-- /reseal:topology --> on line 1'],
    [`${OPEN}\n${CLOSE}\n${OPEN}\n${CLOSE}\n`, 'on line 1, 3 and <!-- /reseal:topology --> on line 2, 4'],
  ])('are refused, and nothing is written: %j', async (content, where) => {
    write(content);
    expect(await render('--add')).toMatchObject({ exit: 2, stderr: expect.stringContaining(where) });
    expect(read()).toBe(content);
  });
});
