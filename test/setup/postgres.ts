import { spawn } from 'node:child_process';
import { accessSync, chmodSync, chownSync, constants, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import pg from 'pg';
import { freePorts } from '../../src/temporal/free-port.js';
import { runProcess } from '../../src/temporal/run-process.js';
import { until } from './until.js';

export interface TestPostgres {
  /** `postgres://…` of a database of its own. */
  readonly url: string;
  /** The server goes away at once, as if its machine had lost power; the data stays. */
  crash(): Promise<void>;
  /** The same server again, at the same address. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

function binaryFolder(): string | null {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...versions.map((version) => join(debian, version, 'bin'))];
  for (const folder of folders) {
    try {
      accessSync(join(folder, 'initdb'), constants.X_OK);
      accessSync(join(folder, 'postgres'), constants.X_OK);
      return folder;
    } catch {
      // Not here.
    }
  }
  return null;
}

/** PostgreSQL refuses to run as root: then as `nobody`, or what `id` knows as such. */
async function otherUser(): Promise<{ uid: number; gid: number } | null | { missing: string }> {
  if (process.getuid?.() !== 0) return null;
  for (const name of ['postgres', 'nobody']) {
    const uid = await runProcess('id', ['-u', name], { timeout: 5_000 });
    const gid = await runProcess('id', ['-g', name], { timeout: 5_000 });
    if (uid.code === 0 && gid.code === 0) return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
  }
  return { missing: 'PostgreSQL refuses to run as root and there is no other user to run it as' };
}

function run(command: string, args: readonly string[], user: { uid: number; gid: number } | null): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...args], { stdio: ['ignore', 'ignore', 'pipe'], cwd: tmpdir(), ...user });
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`${command} failed: ${stderr}`))));
  });
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** A PostgreSQL that has its files and does not run yet. */
export interface PreparedPostgres {
  readonly url: string;
  /** Temporary, and its files': to be removed with them. */
  readonly folder: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Whom it runs as; null: who runs the tests. */
  readonly user: { readonly uid: number; readonly gid: number } | null;
}

/** The files of a server on a free port, in a temporary folder; `missing` where the machine has none installed. */
export async function preparePostgres(): Promise<PreparedPostgres | { readonly missing: string }> {
  const binaries = binaryFolder();
  if (binaries === null) return { missing: 'no PostgreSQL server (initdb, postgres) is installed' };
  const user = await otherUser();
  if (user !== null && 'missing' in user) return user;
  const folder = mkdtempSync(join(tmpdir(), 'reseal-postgres-'));
  chmodSync(folder, 0o700);
  if (user !== null) chownSync(folder, user.uid, user.gid);
  const data = join(folder, 'data');
  await run(join(binaries, 'initdb'), ['-D', data, '-U', 'reseal', '-A', 'trust', '-E', 'UTF8', '--no-locale', '--no-sync'], user);
  const [port] = (await freePorts(1)) as [number];
  return {
    url: `postgres://reseal@127.0.0.1:${port}/postgres`,
    folder,
    command: join(binaries, 'postgres'),
    args: ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', folder, '-c', 'fsync=off'],
    user,
  };
}

/** Waits until a server that was started takes connections. */
export const untilAnswers = (url: string): Promise<unknown> => until(() => answers(url), { what: 'the test PostgreSQL server' });

/** A PostgreSQL server of the test's own; `missing` where the machine has none installed. */
export async function startPostgres(): Promise<TestPostgres | { readonly missing: string }> {
  const prepared = await preparePostgres();
  if ('missing' in prepared) return prepared;
  const { url, folder, command, args, user } = prepared;

  const start = async (): Promise<() => Promise<void>> => {
    const server = spawn(command, [...args], { stdio: 'ignore', cwd: folder, ...user });
    // A test run that ends early takes its server with it.
    const kill = (): void => void server.kill('SIGQUIT');
    process.once('exit', kill);
    const gone = new Promise<void>((resolve) => server.once('close', () => resolve()));
    await untilAnswers(url);
    return async () => {
      // SIGQUIT is PostgreSQL's immediate shutdown: no clean-up, recovery at the next start.
      server.kill('SIGQUIT');
      await gone;
      process.removeListener('exit', kill);
    };
  };

  let end = await start();
  return {
    url,
    crash: () => end(),
    restart: async () => {
      end = await start();
    },
    stop: async () => {
      await end();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
