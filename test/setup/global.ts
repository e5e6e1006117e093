import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { ResealError } from '../../src/domain/errors.js';
import { stopRecorded } from '../../src/temporal/embedded-server.js';
import { isRunning, startTimeOf } from '../../src/temporal/process-identity.js';
import { findTemporalCli } from '../../src/temporal/temporal-cli.js';
import { findTestServer } from '../../src/temporal/test-server.js';
import { endRunPostgres } from './run-postgres.js';
import { removeTemporaryFolders } from './temporary-folder.js';
import { obtainVersitygw } from './versitygw.js';

declare module 'vitest' {
  export interface ProvidedContext {
    /** A folder of this test run; the shared Temporal server's home lies in it. Removed at the end. */
    runFolder: string;
  }
}

const RUNS = join(tmpdir(), `reseal-test-runs-${process.getuid?.() ?? 0}`);

/** What every run leaves behind is removed by itself at its end; a run that was killed is cleaned up after by the next one. */
async function endRun(folder: string): Promise<void> {
  await stopRecorded(join(folder, 'temporal'));
  await endRunPostgres(folder);
  removeTemporaryFolders(folder);
  rmSync(folder, { recursive: true, force: true });
}

async function endKilledRuns(): Promise<void> {
  for (const name of readdirSync(RUNS)) {
    const folder = join(RUNS, name);
    const owner = join(folder, 'owner.json');
    if (!existsSync(owner)) continue;
    if (!isRunning(JSON.parse(readFileSync(owner, 'utf8')) as { pid: number; startTime: string })) await endRun(folder);
  }
}

/**
 * Obtaining the Temporal CLI and versitygw may take minutes, longer than any test may: that is done before the first one, where they are not there yet.
 * A machine that cannot have it still runs every other test.
 */
async function obtainTools(): Promise<void> {
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const server = findTestServer();
  try {
    await findTemporalCli({ onProgress: say });
  } catch (error) {
    if (!(error instanceof ResealError)) throw error;
    say(error.message);
  }
  await obtainVersitygw(say);
  await server;
}

/** The shared Temporal and PostgreSQL servers are started by the first test that asks (`temporal.ts`, `ledger-place.ts`), and ended here. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  mkdirSync(RUNS, { recursive: true });
  await endKilledRuns();
  await obtainTools();
  const folder = mkdtempSync(join(RUNS, 'run-'));
  writeFileSync(join(folder, 'owner.json'), JSON.stringify({ pid: process.pid, startTime: startTimeOf(process.pid) }));
  project.provide('runFolder', folder);
  return () => endRun(folder);
}
