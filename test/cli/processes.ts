import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withFileLock } from '../../src/temporal/file-lock.js';
import { runProcess } from '../../src/temporal/run-process.js';
import { until } from '../setup/until.js';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));
export const RESEAL = join(ROOT, 'scripts/reseal.mjs');

/** `dist/` as the sources are now; test files that run side by side build it once. */
export async function built(): Promise<void> {
  const lock = join(ROOT, 'node_modules/.cache/reseal-test-build.lock');
  mkdirSync(dirname(lock), { recursive: true });
  await withFileLock(lock, async () => {
    const run = await runProcess(process.execPath, [join(ROOT, 'scripts/build.mjs'), '--if-stale'], { timeout: 180_000 });
    if (run.code !== 0) throw new Error(`the build failed: ${run.stderr}`);
  });
}

/** What a process of a person who has set nothing sees; a home is always named, so that nobody's own is touched. */
export const cleanEnv = (home: string, more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
  PATH: process.env['PATH'],
  HOME: process.env['HOME'],
  XDG_CACHE_HOME: process.env['XDG_CACHE_HOME'],
  RESEAL_TEMPORAL_CLI: process.env['RESEAL_TEMPORAL_CLI'],
  RESEAL_HOME: home,
  ...more,
});

/** A `reseal` process that goes on running, with what it has said so far. */
export class RunningReseal {
  stdout = '';
  stderr = '';
  readonly ended: Promise<number | string>;

  protected constructor(readonly child: ChildProcess) {
    child.stdout?.on('data', (chunk: Buffer) => (this.stdout += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
    this.ended = new Promise((resolve) => child.once('close', (code, signal) => resolve(code ?? signal ?? 'gone')));
  }

  static start(args: readonly string[], options: { readonly env: NodeJS.ProcessEnv; readonly cwd?: string }): RunningReseal {
    return new RunningReseal(spawn(process.execPath, [RESEAL, ...args], { ...options, stdio: ['ignore', 'pipe', 'pipe'] }));
  }

  /** All that it has said so far. */
  get said(): string {
    return this.stdout + this.stderr;
  }

  /** Waits for a text in what it says. */
  async says(text: string | RegExp, timeout = 120_000): Promise<void> {
    let ended: number | string | null = null;
    void this.ended.then((how) => (ended = how));
    await until(
      () => {
        if (this.said.search(text) >= 0) return true;
        if (ended !== null) throw new Error(`it ended with ${ended}`);
        return false;
      },
      { what: `"${String(text)}" from reseal ${this.child.spawnargs.slice(2).join(' ')}`, timeout },
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}; it said\n${this.said}`);
    });
  }

  /** Ctrl-C, and its exit code. */
  stop(): Promise<number | string> {
    this.child.kill('SIGINT');
    return this.ended;
  }

  /** Loss of power, as far as this process goes. */
  killHard(): Promise<number | string> {
    this.child.kill('SIGKILL');
    return this.ended;
  }
}

export interface RanReseal {
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A `reseal` command to its end. */
export async function runReseal(
  args: readonly string[],
  options: { readonly env: NodeJS.ProcessEnv; readonly timeout?: number },
): Promise<RanReseal> {
  const run = await runProcess(process.execPath, [RESEAL, ...args], { timeout: options.timeout ?? 120_000, env: options.env });
  return { exit: run.code, stdout: run.stdout, stderr: run.stderr };
}
