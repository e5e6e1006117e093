import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { COMMANDS, NOUNS } from '../../src/cli/commands.js';
import { reseal } from './terminal.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

describe('help', () => {
  it('of reseal lists the nouns and lone commands', async () => {
    const ran = await reseal(['--help']);
    expect(ran).toMatchObject({ exit: 0, stderr: '' });
    expect(ran.stdout).toMatchSnapshot();
  });

  it.each(Object.keys(NOUNS))('of %s lists its verbs', async (noun) => {
    expect((await reseal([noun, '--help'])).stdout).toMatchSnapshot();
  });

  it.each(COMMANDS.map((entry) => entry.path))('of %s names its arguments and options', async (path) => {
    const ran = await reseal([...path.split(' '), '--help']);
    expect(ran.exit).toBe(0);
    expect(ran.stdout).toMatchSnapshot();
  });
});

describe('the command tree', () => {
  it.each(COMMANDS)('$path has its file, and the same description in both places', async (entry) => {
    expect(existsSync(join(ROOT, 'src/cli', `${entry.path.replace(' ', '/')}.ts`))).toBe(true);
    expect((await entry.load()).command.description).toBe(entry.description);
    const [noun, verb] = entry.path.split(' ');
    if (verb !== undefined) expect(Object.keys(NOUNS)).toContain(noun);
  });
});

describe('the built command', () => {
  it('prints help without loading a command, zod, Temporal or a database (its time is a benchmark: bench:cli-start)', () => {
    execFileSync(process.execPath, [join(ROOT, 'scripts/build.mjs'), '--if-stale']);
    const { status, stderr } = spawnSync(process.execPath, [join(ROOT, 'scripts/reseal.mjs'), '--help'], {
      encoding: 'utf8',
      env: { ...process.env, NODE_DEBUG: 'esm' },
    });
    expect(status).toBe(0);
    // Node.js names every module that it links.
    expect(stderr).toContain('/cli/main.js');
    for (const heavy of ['/zod/', '@temporalio', 'pglite', '/pg/', '/cli/rotation/']) expect(stderr).not.toContain(heavy);
  }, 300_000);
});
