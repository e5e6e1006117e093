import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/**
 * When a process began, as an opaque text that is equal for the same process only: a pid alone may have been given to
 * another process since. Null where there is no such process.
 *
 * Linux: field 22 of `/proc/<pid>/stat` (proc(5)), clock ticks since boot; the command name before it may hold spaces and
 * brackets, so fields are counted from the last bracket. macOS: `ps -o lstart=`.
 */
export function startTimeOf(pid: number): string | null {
  if (process.platform === 'linux') {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      // A zombie has ended; it only waits for its parent to read that.
      return fields[0] === 'Z' ? null : (fields[19] ?? null);
    } catch {
      return null;
    }
  }
  try {
    const text = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    return text === '' ? null : text;
  } catch {
    return null;
  }
}

/** Whether the process that began at `startTime` under this pid still runs. */
export function isRunning(one: { readonly pid: number; readonly startTime: string }): boolean {
  return startTimeOf(one.pid) === one.startTime;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** SIGTERM, then SIGKILL once `graceTime` (milliseconds) is over; returns when the process is gone. Touches nothing but that very process. */
export async function endProcess(one: { readonly pid: number; readonly startTime: string }, graceTime = 10_000): Promise<void> {
  const signal = (name: NodeJS.Signals): void => {
    try {
      if (isRunning(one)) process.kill(one.pid, name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  };
  signal('SIGTERM');
  const deadline = Date.now() + graceTime;
  while (isRunning(one) && Date.now() < deadline) await pause(50);
  signal('SIGKILL');
  // Nothing survives that, but a large process on a busy machine takes its time to be gone.
  while (isRunning(one) && Date.now() < deadline + 20_000) await pause(50);
}
