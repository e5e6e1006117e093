import { PassThrough, Writable } from 'node:stream';
import type { CommandEntry } from '../../src/cli/commands.js';
import { run } from '../../src/cli/main.js';

class Captured extends Writable {
  text = '';
  constructor(readonly isTTY: boolean) {
    super();
  }
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

export interface Ran {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command line in this process, as a person at a terminal or as a script sees it. */
export async function reseal(
  argv: readonly string[],
  options: {
    readonly env?: NodeJS.ProcessEnv;
    readonly cwd?: string;
    readonly terminal?: boolean;
    readonly entries?: readonly CommandEntry[];
    readonly now?: number;
    /** What a person writes at the terminal. */
    readonly writes?: string;
  } = {},
): Promise<Ran> {
  const stdout = new Captured(options.terminal === true);
  const stderr = new Captured(options.terminal === true);
  const surroundings = {
    stdout,
    stderr,
    env: options.env ?? { PATH: process.env['PATH'] },
    cwd: options.cwd ?? '/',
    now: () => options.now ?? 0,
    ...(options.writes === undefined ? {} : { stdin: keyboard(options.writes) }),
  };
  const exit = await run(argv, surroundings, options.entries);
  return { exit, stdout: stdout.text, stderr: stderr.text };
}

function keyboard(text: string): PassThrough & { readonly isTTY: true } {
  const keys = new PassThrough();
  keys.end(text);
  return Object.assign(keys, { isTTY: true as const });
}
