import { isAbsolute } from 'node:path';
import { ResealError } from '../domain/errors.js';
import type { PasswordSource } from '../domain/topology.js';
import type { NodeProgram, NodeShell } from './contract.js';
import { runProgram } from './local-command.js';

/** How long a command may take to tell a password, in milliseconds. */
const PATIENCE = 30_000;

/** What differs from one way to reach a node to another: the environment of its agent, and programs other than those of macOS. */
export interface PasswordReach {
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Runs a program by its absolute path; answers its stdout, null where it failed. */
  readonly execute?: (command: readonly string[]) => Promise<string | null>;
}

/**
 * The password of a node's keychains, from where the line declares it: a file or a command of the node, or the environment of what serves
 * it. Its first line counts. It is in no error, and is never kept.
 * @throws ResealError KEYCHAIN_FAILED naming node and source
 */
export async function readPassword(
  shell: Pick<NodeShell, 'node' | 'read' | 'run'>,
  source: PasswordSource,
  reach: PasswordReach,
): Promise<string> {
  const given = 'file' in source ? await fromFile(shell, source.file) : 'environment' in source ? fromEnvironment(source, reach) : await fromCommand(shell, source.command, reach); // prettier-ignore
  if ('password' in given && given.password !== '') return given.password;
  const why = 'why' in given ? given.why : 'is empty';
  throw new ResealError(
    'KEYCHAIN_FAILED',
    `Node ${shell.node}: the password of its keychains is not to be had: ${named(source)} ${why}. Correct keychains.password in topology.yaml, or put it there.`,
  );
}

type Given = { readonly password: string } | { readonly why: string };

const firstLine = (text: string): string => text.split(/\r?\n/)[0] ?? '';

function named(source: PasswordSource): string {
  if ('file' in source) return `the file ${source.file}`;
  if ('environment' in source) return `the environment variable ${source.environment}`;
  // Its arguments may say more than everybody should read.
  return `the command ${source.command[0] ?? ''}`;
}

async function fromFile(shell: Pick<NodeShell, 'read'>, path: string): Promise<Given> {
  const found = await shell.read(path);
  if (found.kind === 'file') return { password: firstLine(Buffer.from(found.bytes).toString('utf8')) };
  return { why: found.kind === 'absent' ? 'is not there' : `is ${found.what}` };
}

function fromEnvironment({ environment }: { readonly environment: string }, reach: PasswordReach): Given {
  if (reach.environment === undefined) return { why: 'cannot be had over SSH; give a file' };
  const value = reach.environment[environment];
  return value === undefined ? { why: 'is not set' } : { password: value };
}

async function fromCommand(shell: Pick<NodeShell, 'run'>, command: readonly string[], reach: PasswordReach): Promise<Given> {
  const [program = '', ...args] = command;
  if (program === 'security') {
    const { code, stdout } = await shell.run({ program: program satisfies NodeProgram, args, timeout: PATIENCE });
    return code === 0 ? { password: firstLine(stdout) } : { why: `ended with ${code}` };
  }
  if (reach.execute === undefined) return { why: 'cannot be run over SSH; give `security`, or a file' };
  if (!isAbsolute(program)) return { why: 'is neither `security` nor an absolute path' };
  const stdout = await reach.execute(command);
  return stdout === null ? { why: 'failed' } : { password: firstLine(stdout) };
}

/** Runs a program of this machine. What it says on stderr is read by nobody: it may hold what nobody should read. */
export async function executeHere([program = '', ...args]: readonly string[], home: string): Promise<string | null> {
  const { code, stdout } = await runProgram(program, { args, timeout: PATIENCE }, { cwd: home, env: { ...process.env, HOME: home } });
  return code === 0 ? stdout : null;
}
