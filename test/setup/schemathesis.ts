import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from '../../src/temporal/cache.js';
import { withFileLock } from '../../src/temporal/file-lock.js';
import { runProcess } from '../../src/temporal/run-process.js';

/** The release of schemathesis, which tries a server against its own OpenAPI document. From PyPI, in an environment of its own. */
const VERSION = '4.32.5';
const PATIENCE = 10 * 60_000;

const environment = (): string => join(cacheFolder(), 'schemathesis', VERSION);
const program = (): string => join(environment(), 'venv', 'bin', 'schemathesis');
/** The last that is written: an environment without it is half made. */
const whole = (): string => join(environment(), 'whole');

/** Why it cannot be had here; null where it is there, or can be made. */
export async function schemathesisMissing(): Promise<string | null> {
  if (existsSync(whole())) return null;
  const { code } = await runProcess('python3', ['-c', 'import venv, ensurepip'], { timeout: 30_000 });
  return code === 0 ? null : 'there is no python3 with venv';
}

/** Makes it once for this user, in about a minute. @returns its program @throws Error with what pip says */
export async function obtainSchemathesis(say: (line: string) => void): Promise<string> {
  mkdirSync(environment(), { recursive: true });
  return withFileLock(`${environment()}.lock`, async () => {
    if (existsSync(whole())) return program();
    say(`installing schemathesis ${VERSION} from PyPI, once for this user; this takes about a minute`);
    const venv = join(environment(), 'venv');
    rmSync(venv, { recursive: true, force: true });
    await ran('python3', ['-m', 'venv', venv]);
    await ran(join(venv, 'bin', 'pip'), ['install', '--quiet', '--disable-pip-version-check', `schemathesis==${VERSION}`]);
    writeFileSync(whole(), '');
    return program();
  });
}

async function ran(name: string, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runProcess(name, [...args], { timeout: PATIENCE });
  if (code !== 0) throw new Error(`${name} ${args[0] ?? ''} ended with ${code}: ${stderr.trim().split('\n').slice(-5).join('\n')}`);
  return stdout;
}
