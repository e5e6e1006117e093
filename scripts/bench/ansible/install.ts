import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cacheFolder } from '../../../src/temporal/cache.js';
import { withFileLock } from '../../../src/temporal/file-lock.js';
import { runProcess } from '../../../src/temporal/run-process.js';

/** The last series that runs on Python 3.11. */
const ANSIBLE_CORE = '2.19.14';
const MINUTES = 60_000;

/** The folder of programs of an `ansible-core` from PyPI, in a virtual environment in the user's cache: made once per version. */
export async function installAnsible(say: (line: string) => void): Promise<string> {
  const folder = join(cacheFolder(), 'ansible-core', ANSIBLE_CORE);
  const bin = join(folder, 'bin');
  await withFileLock(`${folder}.lock`, async () => {
    if (existsSync(join(folder, 'complete'))) return;
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(dirname(folder), { recursive: true });
    say(`installing ansible-core ${ANSIBLE_CORE} with pip into ${folder}, once for this user; this takes about half a minute`);
    const began = Date.now();
    const ticking = setInterval(() => say(`still installing ansible-core, ${Math.round((Date.now() - began) / 1000)} s so far`), 15_000);
    try {
      await must('python3', ['-m', 'venv', folder], 2 * MINUTES);
      await must(join(bin, 'pip'), ['install', '--quiet', '--disable-pip-version-check', `ansible-core==${ANSIBLE_CORE}`], 10 * MINUTES);
      // Told by a file of its own: an installation that was cut off is made anew.
      mkdirSync(join(folder, 'complete'));
    } finally {
      clearInterval(ticking);
    }
  });
  return bin;
}

async function must(command: string, args: readonly string[], timeout: number): Promise<void> {
  const { code, stderr } = await runProcess(command, args, { timeout });
  if (code === 0) return;
  const said = stderr.trim().split('\n').at(-1) ?? '';
  throw new Error(
    `ansible-core ${ANSIBLE_CORE} cannot be had: ${command} ${args.slice(0, 2).join(' ')} ended with ${code ?? 'no code'}: ${said}. It takes Python 3.11 or newer with venv, and PyPI or a mirror of it that pip knows; --over ssh,agents leaves it out.`,
  );
}
