import { spawn } from 'node:child_process';

/**
 * Nothing of the caller's git configuration counts: not hooks, not signing, not the author, not the language of messages.
 * Everything that is written is synced before a ref names it.
 */
const SETTINGS = [
  'core.hooksPath=/dev/null',
  'commit.gpgsign=false',
  'core.fsync=all',
  'core.fsyncMethod=fsync',
  'core.filesRefLockTimeout=2000',
  'gc.auto=0',
  'init.defaultBranch=main',
  'safe.directory=*',
].flatMap((setting) => ['-c', setting]);

export function gitArguments(repository: string | null, command: readonly string[]): string[] {
  return [...SETTINGS, ...(repository === null ? [] : [`--git-dir=${repository}`]), ...command];
}

/** The environment without any GIT_ variable of the caller's, and without configuration files. */
export function gitEnvironment(more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_'));
  return {
    ...Object.fromEntries(inherited),
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
    LC_ALL: 'C',
    TZ: 'UTC',
    ...more,
  };
}

/** What git said when it failed, in its own words. */
export class GitFailure extends Error {
  override readonly name = 'GitFailure';
  constructor(
    readonly command: string,
    /** null: the command could not be started, or a signal ended it. */
    readonly status: number | null,
    readonly said: string,
  ) {
    super(`git ${command}: ${said.trim() || `ended with ${status ?? 'a signal'}`}`);
  }
}

export interface GitCall {
  /** null for commands that need no repository yet. */
  readonly repository: string | null;
  readonly command: readonly string[];
  readonly input?: Uint8Array | string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Runs git to its end and answers its standard output. @throws GitFailure */
export function git(call: GitCall): Promise<string> {
  const name = call.command[0] ?? '';
  return new Promise((resolve, reject) => {
    const child = spawn('git', gitArguments(call.repository, call.command), {
      env: gitEnvironment(call.environment),
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const output: Buffer[] = [];
    const errors: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
    // A child that ends early closes its input; its exit status tells why.
    child.stdin.on('error', () => undefined);
    child.on('error', (error: NodeJS.ErrnoException) => {
      reject(new GitFailure(name, null, error.code === 'ENOENT' ? 'git is not installed, or not on PATH' : error.message));
    });
    child.on('close', (status) => {
      if (status === 0) resolve(Buffer.concat(output).toString('utf8'));
      else reject(new GitFailure(name, status, Buffer.concat(errors).toString('utf8')));
    });
    child.stdin.end(call.input ?? '');
  });
}
