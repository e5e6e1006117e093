import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { type ErrorCode, ResealError } from '../domain/errors.js';
import type { PersonView } from '../presenters/statement.js';
import { fingerprintOf } from '../statement/standing.js';
import type { ApiClient } from './api-client.js';
import type { Context } from './command.js';

/** What every command that a person signs is given. */
export const KEY_OPTION = {
  key: {
    kind: 'text',
    description: 'SSH key that signs (default: RESEAL_KEY, else a key of PERSON in the SSH agent or in ~/.ssh)',
    value: 'PATH',
  },
} as const;

type Surroundings = Pick<Context, 'env' | 'cwd' | 'output'>;

/**
 * Calls `work` with the path of the key that a person signs with, as `ssh-keygen` takes it; null: the person has none on the roster, and none was
 * named, so that their name has to do.
 * @throws ResealError SIGNATURE_NEEDED where the person has keys and none of them is here; USAGE with `--public`
 */
export async function withSigningKey<T>(
  context: Surroundings,
  api: ApiClient,
  person: string,
  named: string | undefined,
  work: (key: string | null) => Promise<T>,
): Promise<T> {
  mustShowWhole(context);
  return withKeyAmong(context, person, named, () => keysOf(api, person), work);
}

/**
 * The same where whoever asks knows the roster.
 * @param known fingerprints of the person's keys, asked for where no key is named
 * @throws ResealError SIGNATURE_NEEDED where the person has keys and none of them is here
 */
export async function withKeyAmong<T>(
  context: Pick<Context, 'env' | 'cwd'>,
  person: string,
  named: string | undefined,
  known: () => Promise<readonly string[]>,
  work: (key: string | null) => Promise<T>,
): Promise<T> {
  const given = named ?? (context.env['RESEAL_KEY'] === '' ? undefined : context.env['RESEAL_KEY']);
  if (given !== undefined) return work(resolve(context.cwd, given));
  const keys = await known();
  if (keys.length === 0) return work(null);
  const own = await inHome(context, keys);
  if (own !== null) return work(own);
  const line = await inAgent(context, keys);
  if (line === null) {
    throw new ResealError(
      'SIGNATURE_NEEDED',
      `${person} signs with ${keys.join(' or ')}, by the roster, and neither the SSH agent nor ~/.ssh has it. Name the key with --key PATH.`,
    );
  }
  // ssh-keygen takes the public half of a key of the agent's from a file.
  const folder = await mkdtemp(join(tmpdir(), 'reseal-key-'));
  try {
    const path = join(folder, 'key.pub');
    await writeFile(path, `${line}\n`, { mode: 0o600 });
    return await work(path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Who says something to a rotation has it before their eyes as it is, by name and signature alike. @throws ResealError USAGE */
export function mustShowWhole({ output }: Pick<Context, 'output'>): void {
  if (output.readers === 'whoever-asked') return;
  throw new ResealError(
    'USAGE',
    'With --public digests and fingerprints are cut, and what is said to a rotation has to be shown whole. Nothing was signed or sent: say it without --public. What `reseal rotation status ID` prints with it may be shown to others.',
  );
}

/**
 * A stranger has none; whoever is asked says so. While the roster cannot be read nobody knows who has which key, and a key that is named does
 * all the same.
 */
const NOBODY_KNOWS: readonly ErrorCode[] = ['NOT_FOUND', 'CONFIG_INVALID', 'CONFIG_MISSING'];
async function keysOf(api: ApiClient, person: string): Promise<readonly string[]> {
  try {
    return (await api.get<PersonView>(`/v1/persons/${encodeURIComponent(person)}`)).keys;
  } catch (error) {
    if (error instanceof ResealError && NOBODY_KNOWS.includes(error.code)) return [];
    throw error;
  }
}

async function inHome({ env }: Pick<Context, 'env'>, keys: readonly string[]): Promise<string | null> {
  const folder = join(env['HOME'] ?? homedir(), '.ssh');
  const names = await readdir(folder).catch(() => []);
  for (const name of names.filter((one) => one.endsWith('.pub')).sort()) {
    const path = join(folder, name);
    const fingerprint = fingerprintOf(await readFile(path, 'utf8').catch(() => ''));
    if (fingerprint === null || !keys.includes(fingerprint)) continue;
    const secret = path.slice(0, -'.pub'.length);
    if (existsSync(secret)) return secret;
  }
  return null;
}

/** The line of `ssh-add -L`; without an agent, or with an empty one, there is none. */
async function inAgent({ env }: Pick<Context, 'env'>, keys: readonly string[]): Promise<string | null> {
  if ((env['SSH_AUTH_SOCK'] ?? '') === '') return null;
  const listed = await promisify(execFile)('ssh-add', ['-L'], { env, timeout: 10_000 }).catch(() => ({ stdout: '' }));
  const lines = listed.stdout.split('\n').filter((line) => line !== '');
  return (
    lines.find((line) => {
      const fingerprint = fingerprintOf(line);
      return fingerprint !== null && keys.includes(fingerprint);
    }) ?? null
  );
}

/** Shows what is to be signed, and asks whoever sits there. @throws ResealError REFUSED where they say no */
export async function mustConsent({ output, consent }: Context, words: readonly string[]): Promise<void> {
  if (!output.json) output.diagnostic(words.join('\n'));
  if ((await consent('Sign this?')) === 'no') throw new ResealError('REFUSED', 'Nothing was signed.');
}
