import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Connection } from '@temporalio/client';
import { z } from 'zod';
import { ResealError } from '../domain/errors.js';
import { freePorts } from './free-port.js';
import { endProcess, isRunning, startTimeOf } from './process-identity.js';
import { findTemporalCli } from './temporal-cli.js';

export interface EmbeddedServerOptions {
  /** Where `temporal.json` and the log lie. One server per home. */
  readonly home: string;
  /** SQLite file; without it the server keeps everything in memory and forgets it when it ends. */
  readonly dbFile?: string;
  /** Created at start where it does not exist. */
  readonly namespace: string;
  /** `headless` serves no web page. Default: `web`. */
  readonly ui?: 'web' | 'headless';
  /** Default: `<home>/temporal.log`, appended to. */
  readonly logFile?: string;
  /** Milliseconds until a new server must answer. Default: 60 s. */
  readonly startTimeout?: number;
  readonly env?: NodeJS.ProcessEnv;
  readonly onProgress?: (line: string) => void;
}

export interface EmbeddedServer {
  /** `127.0.0.1:<port>` */
  readonly address: string;
  readonly namespace: string;
  readonly pid: number;
  /** Null when headless. */
  readonly uiUrl: string | null;
  /** Whether it was running already, left by an earlier process of this home. */
  readonly adopted: boolean;
  /** SIGTERM, after 10 s SIGKILL; returns when the process is gone. */
  stop(): Promise<void>;
}

const ServerRecord = z.object({
  pid: z.int(),
  startTime: z.string(),
  port: z.int(),
  uiPort: z.int().nullable(),
});
type ServerRecord = z.infer<typeof ServerRecord>;

/**
 * Defaults meant for a shared cluster, which one process on one machine need not pay for (names: Temporal server 1.29.1,
 * `common/dynamicconfig/constants.go`):
 * - they throttle per-node task queues ("namespace concurrent poller limit exceeded") and split each queue in four partitions; measured with
 *   200 node workers, 400 activities took 237 s with them, 3.1 s without;
 * - each of a shard's queues is read 20 times a second at most: 50 ms for every step of a workflow that waits for the one before;
 * - a timer fires up to a second late (`timerProcessorMaxTimeShift`, for hosts whose clocks differ), and a run of less than a second is
 *   continued as new only a second after it began (`workflowIdReuseMinimalInterval`).
 */
const DYNAMIC_CONFIG = [
  'frontend.namespaceCount=1000000',
  'frontend.namespaceRPS=1000000',
  'frontend.rps=1000000',
  'matching.rps=1000000',
  'history.rps=1000000',
  'matching.numTaskqueueReadPartitions=1',
  'matching.numTaskqueueWritePartitions=1',
  'history.transferProcessorMaxPollRPS=1000',
  'history.timerProcessorMaxPollRPS=1000',
  'history.visibilityProcessorMaxPollRPS=1000',
  'history.timerProcessorMaxTimeShift="1ms"',
  'history.workflowIdReuseMinimalInterval="0s"',
];

const recordFile = (home: string): string => join(home, 'temporal.json');

function readRecord(home: string): ServerRecord | null {
  try {
    return ServerRecord.parse(JSON.parse(readFileSync(recordFile(home), 'utf8')));
  } catch {
    return null;
  }
}

/** Where the embedded server of a home is, or was; null: none was started on it. */
export function recordedServer(home: string): { readonly address: string; readonly uiPort: number | null } | null {
  const record = readRecord(home);
  return record === null ? null : { address: `127.0.0.1:${record.port}`, uiPort: record.uiPort };
}

function writeRecord(home: string, record: ServerRecord): void {
  const path = recordFile(home);
  writeFileSync(`${path}.new`, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/** Whether a Temporal server with that namespace answers there within `timeout` milliseconds. */
async function answers(address: string, namespace: string, timeout: number): Promise<boolean> {
  const connection = Connection.lazy({ address });
  try {
    await connection.withDeadline(Date.now() + timeout, () => connection.workflowService.describeNamespace({ namespace }));
    return true;
  } catch {
    return false;
  } finally {
    await connection.close();
  }
}

function handle(options: EmbeddedServerOptions, record: ServerRecord, adopted: boolean): EmbeddedServer {
  return {
    address: `127.0.0.1:${record.port}`,
    namespace: options.namespace,
    pid: record.pid,
    uiUrl: record.uiPort === null ? null : `http://127.0.0.1:${record.uiPort}`,
    adopted,
    stop: () => stopRecorded(options.home),
  };
}

/** Ends the server that `<home>/temporal.json` names, if it is still that very process, and forgets it. */
export async function stopRecorded(home: string): Promise<void> {
  const record = readRecord(home);
  if (record !== null) await endProcess(record);
  rmSync(recordFile(home), { force: true });
}

function lastLines(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').trimEnd().split('\n').slice(-5);
  } catch {
    return [];
  }
}

async function startNew(options: EmbeddedServerOptions): Promise<ServerRecord> {
  const cli = await findTemporalCli({ env: options.env ?? process.env, onProgress: options.onProgress ?? (() => undefined) });
  const [port, uiPort, httpPort, metricsPort] = (await freePorts(4)) as [number, number, number, number];
  const headless = options.ui === 'headless';
  const args = [
    ...[
      'server',
      'start-dev',
      '--ip',
      '127.0.0.1',
      '--port',
      String(port),
      '--http-port',
      String(httpPort),
      '--metrics-port',
      String(metricsPort),
    ],
    ...['--namespace', options.namespace, '--log-level', 'warn'],
    ...(headless ? ['--headless'] : ['--ui-port', String(uiPort)]),
    ...(options.dbFile === undefined ? [] : ['--db-filename', options.dbFile]),
    ...DYNAMIC_CONFIG.flatMap((value) => ['--dynamic-config-value', value]),
  ];
  const logFile = options.logFile ?? join(options.home, 'temporal.log');
  mkdirSync(dirname(logFile), { recursive: true });
  const log = openSync(logFile, 'a', 0o600);
  // Detached: it lives on when `up` is killed, so that the next `up` adopts it with all that runs in it.
  const child = spawn(cli.path, args, { detached: true, stdio: ['ignore', log, log], env: options.env ?? process.env });
  closeSync(log);
  const failure = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(`it ended with ${signal ?? `exit code ${code}`}`));
  });
  child.unref();
  const startTime = child.pid === undefined ? null : startTimeOf(child.pid);
  if (child.pid === undefined || startTime === null) {
    throw new ResealError('TEMPORAL_UNREACHABLE', `The embedded Temporal server (${cli.path}) did not start: ${await failure}.`, {
      details: lastLines(logFile),
    });
  }
  const record = { pid: child.pid, startTime, port, uiPort: headless ? null : uiPort };
  // Before it answers: a server whose start was interrupted must still be found and ended by the next one.
  writeRecord(options.home, record);
  const ended: string[] = [];
  void failure.then((reason) => ended.push(reason));
  const deadline = Date.now() + (options.startTimeout ?? 60_000);
  while (!(await answers(`127.0.0.1:${port}`, options.namespace, 2_000))) {
    if (ended.length === 0 && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      continue;
    }
    await stopRecorded(options.home);
    const reason = ended[0] ?? 'it does not answer in time';
    throw new ResealError('TEMPORAL_UNREACHABLE', `The embedded Temporal server did not start: ${reason}. Its log is ${logFile}.`, {
      details: lastLines(logFile),
    });
  }
  return record;
}

const MOST_STARTS = 3;

/** Between the look for a free port and the server's listening on it, another process may take it: then others are looked for. */
async function startOnFreePorts(options: EmbeddedServerOptions): Promise<ServerRecord> {
  for (let start = 1; ; start++) {
    try {
      return await startNew(options);
    } catch (error) {
      const taken = error instanceof ResealError && error.details.some((line) => line.includes('address already in use'));
      if (!taken || start >= MOST_STARTS) throw error;
    }
  }
}

/**
 * The Temporal dev server of one home. One that `<home>/temporal.json` names is adopted if it answers, and ended if it is
 * still that process (pid and start time match) and does not. The caller keeps a second process off the same home.
 */
export async function startEmbeddedServer(options: EmbeddedServerOptions): Promise<EmbeddedServer> {
  mkdirSync(options.home, { recursive: true });
  const earlier = readRecord(options.home);
  if (earlier !== null && isRunning(earlier)) {
    // It may be starting still, left so by a process that was killed: it gets a little time.
    if (await answers(`127.0.0.1:${earlier.port}`, options.namespace, 10_000)) return handle(options, earlier, true);
    await endProcess(earlier);
  }
  return handle(options, await startOnFreePorts(options), false);
}
