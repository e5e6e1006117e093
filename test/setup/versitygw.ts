import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { cacheFolder } from '../../src/temporal/cache.js';
import { withFileLock } from '../../src/temporal/file-lock.js';
import { freePorts } from '../../src/temporal/free-port.js';
import { runProcess } from '../../src/temporal/run-process.js';
import { until } from './until.js';

/** The release of versitygw, a server that speaks S3, that tests run against. `go install` builds it; .ci/run reads this line. */
export const VERSITYGW_VERSION = '1.8.0';
const MODULE = 'github.com/versity/versitygw/cmd/versitygw';
/** Its go.mod asks for it; an older Go from 1.21 on fetches that toolchain. */
const BUILD = { ...process.env, GOTOOLCHAIN: 'auto' };

const cached = (): string => join(cacheFolder(), 'versitygw', VERSITYGW_VERSION, 'versitygw');

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/** RESEAL_VERSITYGW, else the cache, else on the PATH; null where there is none. */
export function findVersitygw(): string | null {
  const onPath = (process.env['PATH'] ?? '').split(delimiter).filter(Boolean);
  const named = process.env['RESEAL_VERSITYGW'];
  return [...(named ? [named] : []), cached(), ...onPath.map((folder) => join(folder, 'versitygw'))].find(isExecutable) ?? null;
}

/** Why tests with a bucket cannot run here; null where they can. */
export const versitygwMissing = (): string | null => (findVersitygw() === null ? 'there is no versitygw, and no Go that builds it' : null);

/** Builds it once for this user, where there is Go; about 2 minutes. */
export async function obtainVersitygw(say: (line: string) => void): Promise<void> {
  if (findVersitygw() !== null) return;
  mkdirSync(dirname(cached()), { recursive: true });
  await withFileLock(`${cached()}.lock`, async () => {
    if (existsSync(cached())) return;
    const scratch = mkdtempSync(`${cached()}-`);
    try {
      say(`building versitygw ${VERSITYGW_VERSION} with go install, once for this user; this takes about 2 minutes`);
      const run = await runProcess('go', ['install', `${MODULE}@v${VERSITYGW_VERSION}`], {
        timeout: 30 * 60_000,
        env: { ...BUILD, GOBIN: scratch },
      });
      if (run.code === 0) renameSync(join(scratch, 'versitygw'), cached());
      else say(`no versitygw, so tests with a bucket are skipped: ${run.stderr.trim().split('\n').at(-1) || 'go did not run'}`);
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  });
}

export interface Versitygw {
  /** `http://127.0.0.1:PORT` */
  readonly endpoint: string;
  /** Ends it at once. Its files stay. */
  stop(): Promise<void>;
  /** The server again, at the same address. */
  restart(): Promise<void>;
}

/** Of the only account that it knows; made for tests, and worth nothing elsewhere. */
export const CREDENTIALS = { AWS_ACCESS_KEY_ID: 'reseal-test', AWS_SECRET_ACCESS_KEY: 'not-a-secret-of-anybody' } as const;

/** A real server on loopback. @param folder for buckets and versions, absolute @param address of a server that was stopped, for restarts */
export async function startVersitygw(folder: string): Promise<Versitygw> {
  const program = findVersitygw();
  if (program === null) throw new Error(versitygwMissing() ?? '');
  for (const name of ['buckets', 'versions']) mkdirSync(join(folder, name), { recursive: true });
  const [port = 0] = await freePorts(1);
  const endpoint = `http://127.0.0.1:${port}`;
  const start = async (): Promise<() => Promise<void>> => {
    const options = [
      '--access',
      CREDENTIALS.AWS_ACCESS_KEY_ID,
      '--secret',
      CREDENTIALS.AWS_SECRET_ACCESS_KEY,
      '--port',
      `127.0.0.1:${port}`,
      '--quiet',
    ];
    const backend = ['posix', '--versioning-dir', join(folder, 'versions'), join(folder, 'buckets')];
    const child = spawn(program, [...options, ...backend], { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const kill = (): void => void child.kill('SIGKILL');
    process.once('exit', kill);
    await until(
      async () => {
        if (child.exitCode !== null) throw new Error(`versitygw did not start: ${said}`);
        return (await fetch(endpoint)).status > 0;
      },
      { what: 'an answer of versitygw', timeout: 30_000 },
    );
    return async () => {
      process.removeListener('exit', kill);
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      kill();
      await ended;
    };
  };
  let stop = await start();
  return {
    endpoint,
    stop: () => stop(),
    restart: async () => {
      stop = await start();
    },
  };
}
