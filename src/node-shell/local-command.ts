import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { CommandResult, NodeCommand } from './contract.js';

/** As `reseal-node.sh` has it. */
const MOST_OUTPUT = 1_048_576;
/** Between asking a program to end and ending it, in milliseconds. */
const GRACE = 2_000;

/**
 * Runs one of a simulated node's own programs, which are in `<home>/bin`. Never one of this machine's: a node without programs of its own is told by
 * code 127.
 */
export async function runLocal(home: string, { program, args, stdin = '', timeout }: NodeCommand): Promise<CommandResult> {
  const path = join(home, 'bin', program);
  if (!existsSync(path)) return { code: 127, stdout: '', stderr: `${program}: command not found`, expired: false };
  return new Promise((resolve) => {
    const child = spawn(path, [...args], {
      cwd: home,
      env: { HOME: home, PATH: `${join(home, 'bin')}:/usr/bin:/bin`, LC_ALL: 'C' },
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
    const limit = setTimeout(
      () => {
        expired = true;
        kill('SIGTERM');
        setTimeout(() => kill('SIGKILL'), GRACE).unref();
      },
      Math.ceil(timeout / 1000) * 1000,
    );
    child.stdout.on('data', (chunk: Buffer) => output.stdout.add(chunk));
    child.stderr.on('data', (chunk: Buffer) => output.stderr.add(chunk));
    child.stdin.on('error', () => undefined);
    child.stdin.end(stdin);
    const end = (code: number, stderr?: string): void => {
      clearTimeout(limit);
      resolve({ code, stdout: output.stdout.text(), stderr: stderr ?? output.stderr.text(), expired });
    };
    child.on('error', (error) => end(126, error.message));
    child.on('close', (code) => end(code ?? 143));
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
