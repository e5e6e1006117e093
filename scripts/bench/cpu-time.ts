import { readFileSync } from 'node:fs';

/** Clock ticks per second in /proc on every Linux that Node.js runs on (sysconf(_SC_CLK_TCK)). */
const TICKS = 100;

/** CPU time of a process and of those children that have ended, in milliseconds (proc(5), fields 14 to 17 of stat); null where there is no /proc. */
export function cpuTime(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command's name is in parentheses and may hold spaces itself.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0) * 1000) / TICKS;
  } catch {
    return null;
  }
}
