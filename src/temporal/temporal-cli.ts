import { accessSync, chmodSync, constants, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { ResealError } from '../domain/errors.js';
import { cacheFolder } from './cache.js';
import { withFileLock } from './file-lock.js';
import { runProcess } from './run-process.js';

/** The last release of the Temporal CLI that `go install` can build; from 1.6 on its module has a `replace`. */
export const TEMPORAL_CLI_VERSION = '1.5.1';

export interface TemporalCli {
  readonly path: string;
  readonly from: 'configured' | 'path' | 'cache' | 'download' | 'go-install';
  /** What `temporal --version` answered. */
  readonly version: string;
}

export interface ObtainOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** One line of progress, for a person. */
  readonly onProgress?: (line: string) => void;
  /** `look` only looks at what is there; `obtain` also downloads or builds. */
  readonly effort?: 'look' | 'obtain';
}

const WAYS = 'Install the Temporal CLI, or name it in RESEAL_TEMPORAL_CLI, or set `temporal.address` in reseal.yaml to a running server';

/** What `temporal --version` says at that path; null where it is not a Temporal CLI that runs. */
async function versionOf(path: string): Promise<string | null> {
  const run = await runProcess(path, ['--version'], { timeout: 20_000 });
  const version = /temporal version .*/.exec(run.stdout)?.[0];
  return run.code === 0 && version !== undefined ? version : null;
}

function onPath(name: string, env: NodeJS.ProcessEnv): string | null {
  for (const folder of (env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this folder.
    }
  }
  return null;
}

async function present(env: NodeJS.ProcessEnv, cached: string): Promise<TemporalCli | null> {
  const configured = env['RESEAL_TEMPORAL_CLI'];
  if (configured !== undefined && configured !== '') {
    const version = await versionOf(configured);
    if (version === null)
      throw new ResealError('TOOL_MISSING', `RESEAL_TEMPORAL_CLI names ${configured}, which is not a Temporal CLI that runs. ${WAYS}.`);
    return { path: configured, from: 'configured', version };
  }
  const installed = onPath('temporal', env);
  if (installed !== null) {
    const version = await versionOf(installed);
    if (version !== null) return { path: installed, from: 'path', version };
  }
  if (existsSync(cached)) {
    const version = await versionOf(cached);
    if (version !== null) return { path: cached, from: 'cache', version };
  }
  return null;
}

/** Moves a finished executable to its place in one step: nobody ever runs half of one. */
function keep(finished: string, cached: string): void {
  chmodSync(finished, 0o755);
  renameSync(finished, cached);
}

/**
 * The SDK's own download, in a process of its own because the SDK offers no time limit. It starts a server for a moment:
 * there is no call that only downloads.
 */
async function download(scratch: string, cached: string): Promise<TemporalCli | null> {
  const program = `
    const { TestWorkflowEnvironment } = require(${JSON.stringify(createRequire(import.meta.url).resolve('@temporalio/testing'))});
    TestWorkflowEnvironment.createLocal({ server: { executable: { type: 'cached-download', downloadDir: ${JSON.stringify(scratch)}, version: 'v${TEMPORAL_CLI_VERSION}' } } })
      .then((env) => env.teardown()).then(() => process.exit(0), () => process.exit(1));`;
  if (!(await answersOnTheInternet())) return null;
  const run = await runProcess(process.execPath, ['-e', program], { timeout: 180_000 });
  const file = run.code === 0 ? readdirSync(scratch).find((name) => name.startsWith('temporal-')) : undefined;
  if (file === undefined) return null;
  keep(join(scratch, file), cached);
  const version = await versionOf(cached);
  return version === null ? null : { path: cached, from: 'download', version };
}

/** Whether the place that the SDK downloads from can be reached at all; without internet this fails in seconds, the SDK in minutes. */
async function answersOnTheInternet(): Promise<boolean> {
  try {
    await fetch('https://temporal.download/cli/default', { method: 'HEAD', signal: AbortSignal.timeout(5_000) });
    return true;
  } catch {
    return false;
  }
}

async function goInstall(
  go: string,
  scratch: string,
  cached: string,
  env: NodeJS.ProcessEnv,
  say: (line: string) => void,
): Promise<TemporalCli | string> {
  say(`building the Temporal CLI ${TEMPORAL_CLI_VERSION} with go install, once for this user; this takes about 5 minutes`);
  const began = Date.now();
  const ticking = setInterval(() => {
    say(`still building the Temporal CLI, ${Math.round((Date.now() - began) / 1000)} s so far`);
  }, 15_000);
  try {
    const run = await runProcess(go, ['install', `github.com/temporalio/cli/cmd/temporal@v${TEMPORAL_CLI_VERSION}`], {
      timeout: 30 * 60_000,
      env: { ...env, GOBIN: scratch },
    });
    if (run.code !== 0) return `go install failed: ${run.stderr.trim().split('\n').at(-1) ?? `exit ${run.code}`}`;
  } finally {
    clearInterval(ticking);
  }
  keep(join(scratch, 'temporal'), cached);
  const version = await versionOf(cached);
  return version === null ? 'the Temporal CLI that go install built does not run' : { path: cached, from: 'go-install', version };
}

/**
 * The Temporal CLI, whose dev server is the embedded one: RESEAL_TEMPORAL_CLI, `temporal` on PATH, the cache, the SDK's
 * download, `go install` into the cache. Throws TOOL_MISSING where none of them works.
 */
export async function findTemporalCli(options: ObtainOptions = {}): Promise<TemporalCli> {
  const env = options.env ?? process.env;
  const say = options.onProgress ?? (() => undefined);
  const cached = join(cacheFolder(env), 'temporal-cli', TEMPORAL_CLI_VERSION, 'temporal');
  const found = await present(env, cached);
  if (found !== null) return found;
  if (options.effort === 'look') {
    throw new ResealError(
      'TOOL_MISSING',
      `There is no Temporal CLI on PATH or in ${dirname(cached)} yet. \`reseal up\` obtains one at its first start. ${WAYS}.`,
    );
  }
  mkdirSync(dirname(cached), { recursive: true });
  return withFileLock(
    `${cached}.lock`,
    async () => {
      const meanwhile = await present(env, cached);
      if (meanwhile !== null) return meanwhile;
      const scratch = mkdtempSync(`${cached}-`);
      try {
        const downloaded = await download(scratch, cached);
        if (downloaded !== null) return downloaded;
        const go = onPath('go', env);
        const built = go === null ? 'there is no go on PATH' : await goInstall(go, scratch, cached, env, say);
        if (typeof built !== 'string') return built;
        throw new ResealError(
          'TOOL_MISSING',
          `There is no Temporal CLI here and none could be obtained: the download did not answer, and ${built}. ${WAYS}.`,
        );
      } finally {
        rmSync(scratch, { recursive: true, force: true });
      }
    },
    () => say('another process is obtaining the Temporal CLI; waiting for it'),
  );
}
