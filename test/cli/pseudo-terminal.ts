import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';
import { runProcess } from '../../src/temporal/run-process.js';
import { RESEAL, RunningReseal } from './processes.js';

const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;

/** Why no terminal can be made here; null where one can. `script` of util-linux makes it; the programs of that name elsewhere take other options. */
export async function noTerminal(): Promise<string | null> {
  const version = await runProcess('script', ['--version'], { timeout: 10_000 });
  return version.stdout.includes('util-linux') ? null : 'there is no script(1) of util-linux';
}

/** A `reseal` process on a terminal of its own, wide enough for its tables. What it says is what a person reads: without colours and cursor moves. */
export class ResealOnTerminal extends RunningReseal {
  static override start(args: readonly string[], options: { readonly env: NodeJS.ProcessEnv; readonly cwd?: string }): ResealOnTerminal {
    const command = `stty columns 200 rows 50; exec ${[process.execPath, RESEAL, ...args].map(quoted).join(' ')}`;
    return new ResealOnTerminal(
      spawn('script', ['--quiet', '--flush', '--return', '--command', command, '/dev/null'], {
        ...options,
        env: { SHELL: '/bin/sh', TERM: 'xterm-256color', ...options.env },
        stdio: ['pipe', 'pipe', 'pipe'],
      }),
    );
  }

  override get said(): string {
    return stripVTControlCharacters(super.said).replaceAll('\r', '\n');
  }

  /** Ctrl-C as the keyboard sends it, and the exit code of the process at the terminal. */
  override stop(): Promise<number | string> {
    this.child.stdin?.write('\u0003');
    return this.ended;
  }

  /** Closes the terminal: what still runs on it gets SIGHUP. */
  async hangUp(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill('SIGTERM');
    await this.ended;
  }
}

/** The processes that were told of this folder, by their command line or their environment, as `pid command`. Linux only. */
export function processesOf(folder: string): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
        const told = command.includes(folder) || readFileSync(`/proc/${pid}/environ`, 'utf8').includes(folder);
        return told ? [`${pid} ${command}`] : [];
      } catch {
        // It has ended since, or is another user's.
        return [];
      }
    });
}
