import { spawn, type ChildProcess } from 'node:child_process';

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

/** A command that reaches another machine, or what stands for one. */
export interface RemoteCall {
  /** In milliseconds; past it git and what it started are killed. */
  readonly timeout: number;
  /** git's own name of the only transport that may be used. */
  readonly protocol: string;
  /** `GIT_SSH_COMMAND`: the client with its options, quoted for a shell. */
  readonly ssh: string;
}

/**
 * The account's own git configuration counts here, for credential helpers, proxies and authorities are in it; what it says of hooks, signing
 * and following tags does not. Nothing asks a person: there is none.
 */
function remoteEnvironment({ protocol, ssh }: RemoteCall): NodeJS.ProcessEnv {
  const { GIT_CONFIG_NOSYSTEM: _system, GIT_CONFIG_GLOBAL: _global, ...rest } = gitEnvironment();
  return { ...rest, GIT_ASKPASS: '', SSH_ASKPASS: '', GIT_ALLOW_PROTOCOL: protocol, GIT_SSH_COMMAND: ssh, GIT_SSH_VARIANT: 'ssh' };
}

const REMOTE_SETTINGS = ['credential.interactive=false', 'core.askPass=', 'transfer.fsckObjects=true', 'push.gpgSign=false'].flatMap(
  (setting) => ['-c', setting],
);

/** What git said when it failed, in its own words. */
export class GitFailure extends Error {
  override readonly name = 'GitFailure';
  constructor(
    readonly command: string,
    /** null: the command could not be started, or a signal ended it. */
    readonly status: number | null,
    readonly said: string,
    /** What it had printed on its standard output. */
    readonly answered = '',
  ) {
    super(`git ${command}: ${said.trim() || `ended with ${status ?? 'a signal'}`}`);
  }
}

/** As the operating system says it, and as git does. */
export const NO_SPACE = /ENOSPC|no space left|out of disk ?space/i;

/** It had not ended when its time was over, and was killed. */
export class GitTimeout extends GitFailure {
  constructor(
    command: string,
    /** In milliseconds. */
    readonly timeout: number,
    said: string,
  ) {
    super(command, null, said);
  }
}

export interface GitCall {
  /** null for commands that need no repository yet. */
  readonly repository: string | null;
  readonly command: readonly string[];
  readonly input?: Uint8Array | string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly remote?: RemoteCall;
}

/** Runs git to its end and answers its standard output. @throws GitFailure */
export function git(call: GitCall): Promise<string> {
  const name = call.command[0] ?? '';
  const { remote } = call;
  return new Promise((resolve, reject) => {
    const child = spawn('git', [...(remote === undefined ? [] : REMOTE_SETTINGS), ...gitArguments(call.repository, call.command)], {
      env: remote === undefined ? gitEnvironment(call.environment) : remoteEnvironment(remote),
      stdio: ['pipe', 'pipe', 'pipe'],
      // So that ssh and other children can be ended with it.
      detached: remote !== undefined,
    });
    const limit = remote === undefined ? null : endAfter(child, remote.timeout);
    const output: Buffer[] = [];
    const errors: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
    // A child that ends early closes its input; its exit status tells why.
    child.stdin.on('error', () => undefined);
    child.on('error', (error: NodeJS.ErrnoException) => {
      limit?.lift();
      reject(new GitFailure(name, null, error.code === 'ENOENT' ? 'git is not installed, or not on PATH' : error.message));
    });
    child.on('close', (status) => {
      limit?.lift();
      const said = Buffer.concat(errors).toString('utf8');
      const answered = Buffer.concat(output).toString('utf8');
      if (limit?.reached() === true) reject(new GitTimeout(name, remote?.timeout ?? 0, said));
      else if (status === 0) resolve(answered);
      else reject(new GitFailure(name, status, said, answered));
    });
    child.stdin.end(call.input ?? '');
  });
}

/** Kills a child's whole process group after a time, or with this process. */
function endAfter(child: ChildProcess, timeout: number): { readonly lift: () => void; readonly reached: () => boolean } {
  let reached = false;
  const kill = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It ended by itself in that moment.
    }
  };
  const timer = setTimeout(() => {
    reached = true;
    kill();
  }, timeout);
  process.once('exit', kill);
  return {
    lift: () => {
      clearTimeout(timer);
      process.removeListener('exit', kill);
    },
    reached: () => reached,
  };
}
