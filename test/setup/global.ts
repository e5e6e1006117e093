import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { stopRecorded } from '../../src/temporal/embedded-server.js';
import { isRunning, startTimeOf } from '../../src/temporal/process-identity.js';

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

/** The shared Temporal server is started by the first test that asks for it (`test/setup/temporal.ts`), and ended here. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  mkdirSync(RUNS, { recursive: true });
  await endKilledRuns();
  const folder = mkdtempSync(join(RUNS, 'run-'));
  writeFileSync(join(folder, 'owner.json'), JSON.stringify({ pid: process.pid, startTime: startTimeOf(process.pid) }));
  project.provide('runFolder', folder);
  return () => endRun(folder);
}
