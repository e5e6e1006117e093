import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

let own: Promise<string> | null = null;

/** `<pid>:<start time>` of this process; with the start time a pid that was given to another process is told apart. */
export function ownIdentity(): Promise<string> {
  own ??= startTimeOf(process.pid).then((start) => `${process.pid}:${start ?? 'unknown'}`);
  return own;
}

/** Whether the process of an identity still runs. One whose start time cannot be read counts as running. */
export async function isRunning(identity: string): Promise<boolean> {
  const [pid = '', start = ''] = identity.split(':');
  if (!/^[1-9]\d*$/.test(pid)) return false;
  try {
    process.kill(Number(pid), 0);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false;
  }
  const now = await startTimeOf(Number(pid));
  return start === 'unknown' || now === null || now === start;
}

/** Linux: field 22 of /proc/<pid>/stat, in clock ticks since boot (proc(5)). macOS: `ps`, to the second. null: not known. */
async function startTimeOf(pid: number): Promise<string | null> {
  if (process.platform === 'linux') {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
    // The command's name is in parentheses and may hold spaces and parentheses itself.
    return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  }
  const said = await promisify(execFile)('ps', ['-o', 'lstart=', '-p', `${pid}`], {
    env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' },
  }).catch(() => null);
  return said === null ? null : said.stdout.trim().replace(/[\s:]+/g, '-') || null;
}
