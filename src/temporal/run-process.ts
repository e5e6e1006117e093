import { spawn } from 'node:child_process';

export interface ProcessResult {
  /** Null where it could not be started or was ended by a signal or by the time limit. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. `timeout` in milliseconds; past it the process and its children are killed. Never throws. */
export function runProcess(
  command: string,
  args: readonly string[],
  options: { readonly timeout: number; readonly env?: NodeJS.ProcessEnv; readonly cwd?: string },
): Promise<ProcessResult> {
  return new Promise((resolve) => {
    const child = spawn(command, [...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      env: options.env ?? process.env,
      cwd: options.cwd,
    });
    let stdout = '';
    let stderr = '';
    const killGroup = (): void => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It ended by itself in that moment.
      }
    };
    const limit = setTimeout(killGroup, options.timeout);
    // Detached, so that its children can be ended with it; then it must not outlive us either.
    process.once('exit', killGroup);
    const end = (code: number | null, more = ''): void => {
      clearTimeout(limit);
      process.removeListener('exit', killGroup);
      resolve({ code, stdout, stderr: stderr + more });
    };
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString('utf8')));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString('utf8')));
    child.on('error', (error) => end(null, error.message));
    child.on('close', (code) => end(code));
  });
}
