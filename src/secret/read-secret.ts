import { open } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute } from 'node:path';
import { ResealError } from '../domain/errors.js';
import { runProgram } from '../node-shell/local-command.js';

/** Where a secret that reseal.yaml names comes from, on the machine that uses it. */
export type SecretSource = { readonly file: string } | { readonly environment: string } | { readonly command: readonly string[] };

/** Called anew for every use: a secret is never kept, and is changed without a restart. */
export type Secret = () => Promise<string>;

/** How long a command may take, in milliseconds. */
const PATIENCE = 30_000;
const LARGEST = 64 * 1024;

/**
 * Reads a secret. It is in no error: of a command only the program is named, and of what it printed nothing.
 * @param what for sentences, as `the passphrase of source match`
 * @param field of reseal.yaml, as `sources.match.passphrase`
 * @param environment in which variables are looked for and commands run
 * @throws ResealError SOURCE_REFUSED
 */
export async function readSecret(source: SecretSource, what: string, field: string, environment: NodeJS.ProcessEnv): Promise<string> {
  const given = await givenBy(source, environment);
  if ('secret' in given && given.secret.trim() !== '') return given.secret;
  const why = 'why' in given ? given.why : 'is empty';
  throw new ResealError(
    'SOURCE_REFUSED',
    `${what} is not to be had: ${named(source)} ${why}. Put it there, or correct ${field} in reseal.yaml.`,
  );
}

/** The first line, for secrets that are one line: what follows is a line feed that nobody meant. */
export const firstLine = (secret: string): string => secret.split(/\r?\n/)[0] ?? '';

type Given = { readonly secret: string } | { readonly why: string };

function named(source: SecretSource): string {
  if ('file' in source) return `the file ${source.file}`;
  if ('environment' in source) return `the environment variable ${source.environment}`;
  return `the command ${source.command[0] ?? ''}`;
}

function givenBy(source: SecretSource, environment: NodeJS.ProcessEnv): Promise<Given> | Given {
  if ('file' in source) return fromFile(source.file);
  if ('command' in source) return fromCommand(source.command, environment);
  const value = environment[source.environment];
  return value === undefined ? { why: 'is not set here' } : { secret: value };
}

async function fromFile(path: string): Promise<Given> {
  try {
    const file = await open(path, 'r');
    try {
      const stat = await file.stat();
      if (!stat.isFile()) return { why: 'is no regular file' };
      if (stat.size > LARGEST) return { why: `is larger than ${LARGEST / 1024} KiB` };
      if ((stat.mode & 0o077) !== 0) return { why: 'can be read by other accounts; give it mode 0600' };
      return { secret: await file.readFile('utf8') };
    } finally {
      await file.close();
    }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    return { why: code === 'ENOENT' ? 'is not there' : `cannot be read (${code})` };
  }
}

async function fromCommand([program = '', ...args]: readonly string[], env: NodeJS.ProcessEnv): Promise<Given> {
  if (!isAbsolute(program)) return { why: 'is no absolute path' };
  const { code, stdout, expired } = await runProgram(program, { args, timeout: PATIENCE }, { cwd: homedir(), env });
  if (expired) return { why: `has not ended within ${PATIENCE / 1000} s` };
  return code === 0 ? { secret: stdout } : { why: `ended with ${code}` };
}
