import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { CommandResult, NodeCommand } from './contract.js';

/** As `reseal-node.sh` has it. */
const MOST_OUTPUT = 1_048_576;
/** Between asking a program to end and ending it, in milliseconds. */
const GRACE = 2_000;

/** Where a program is looked for, and what it is given. */
export interface Surrounding {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Ends the program with all that it started. */
  readonly signal?: AbortSignal;
}

/**
 * Runs a program of this machine with bounded time and output. `program` is a name, which is looked for in `env.PATH`, or a path. Code 127 where there
 * is none.
 */
export async function runProgram(
  program: string,
  { args, stdin = '', timeout }: Pick<NodeCommand, 'args' | 'stdin' | 'timeout'>,
  { cwd, env, signal }: Surrounding,
): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = spawn(program, [...args], {
      cwd,
      env,
      stdio: ['pipe', 'pipe', 'pipe'],
      // A group of its own, so that what it starts ends with it.
      detached: true,
    });
    const output = { stdout: new Capped(), stderr: new Capped() };
    let expired = false;
    const kill = (signal: NodeJS.Signals): void => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, signal);
      } catch {
        // It ended by itself in that moment.
      }
    };
    const end = (): void => {
      expired = true;
      kill('SIGTERM');
      setTimeout(() => {
        kill('SIGKILL');
        // A child that has left the group and keeps the output open is not waited for.
        setTimeout(() => answer(143), GRACE / 4);
      }, GRACE);
    };
    const limit = setTimeout(end, Math.ceil(timeout / 1000) * 1000);
    signal?.addEventListener('abort', end, { once: true });
    child.stdout.on('data', (chunk: Buffer) => output.stdout.add(chunk));
    child.stderr.on('data', (chunk: Buffer) => output.stderr.add(chunk));
    child.stdin.on('error', () => undefined);
    child.stdin.end(stdin);
    const answer = (code: number, stderr?: string): void => {
      clearTimeout(limit);
      signal?.removeEventListener('abort', end);
      resolve({ code, stdout: output.stdout.text(), stderr: stderr ?? output.stderr.text(), expired });
    };
    child.on('error', (error) => {
      // A working folder that is gone is answered with ENOENT too.
      const isMissing = 'code' in error && error.code === 'ENOENT' && existsSync(cwd);
      if (isMissing) answer(127, `${program}: command not found`);
      else answer(126, error.message);
    });
    child.on('close', (code) => answer(code ?? 143));
  });
}

class Capped {
  private readonly chunks: Buffer[] = [];
  private length = 0;

  add(chunk: Buffer): void {
    const room = MOST_OUTPUT - this.length;
    if (room <= 0) return;
    this.chunks.push(chunk.subarray(0, room));
    this.length += Math.min(room, chunk.length);
  }

  text(): string {
    return Buffer.concat(this.chunks).toString('utf8');
  }
}
