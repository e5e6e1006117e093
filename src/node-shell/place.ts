import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { CommandResult, NodeCommand } from './contract.js';
import { runProgram } from './local-command.js';

/** Where on this machine a node's `/` and `~` are, and how its programs are run. */
export interface Place {
  /** Absolute, without a final slash: empty for the root of this machine. */
  readonly root: string;
  /** Absolute, without a final slash. */
  readonly home: string;
  run(command: NodeCommand): Promise<CommandResult>;
  /** Where programs of another account sign: both may write there. Missing: programs run as this account, and sign anywhere. */
  readonly signingFolder?: string;
}

/**
 * One folder is root and home: the node's `/P` is `<folder>/P`, `~/X` is `<folder>/X`. Its programs are in `<folder>/bin`. Never one of this machine's: a
 * node without programs of its own is told by code 127.
 */
export function simulatedMac(folder: string): Place {
  const bin = join(folder, 'bin');
  const env = { HOME: folder, PATH: `${bin}:/usr/bin:/bin`, LC_ALL: 'C' };
  return {
    root: folder,
    home: folder,
    run: async (command) => {
      const path = join(bin, command.program);
      if (!existsSync(path)) return { code: 127, stdout: '', stderr: `${command.program}: command not found`, expired: false };
      return runProgram(path, command, { cwd: folder, env });
    },
  };
}

/** Where Apple's own tools are, for an account that has set nothing. */
export const SYSTEM_PATH = '/usr/bin:/bin:/usr/sbin:/sbin';

/** What a program of the Mac that this is gets to see: nothing of the agent's own environment but where programs are. */
export const macEnvironment = (home: string, path: string | undefined): NodeJS.ProcessEnv => ({
  HOME: home,
  PATH: path === undefined || path === '' ? SYSTEM_PATH : path,
  LC_ALL: 'C',
});

/** The Mac that this process runs on; `home` is that of the account that builds. */
export function thisMac(home: string, path: string | undefined): Place {
  const env = macEnvironment(home, path);
  return { root: '', home, run: (command) => runProgram(command.program, command, { cwd: home, env }) };
}
