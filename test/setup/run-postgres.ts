import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { endProcess } from '../../src/temporal/process-identity.js';

/** In the run's folder: the PostgreSQL server that ledgers of this test run share. */
export const RUN_POSTGRES = 'postgres.json';

/** `missing`: the machine has none installed. */
export type RunPostgres =
  | { readonly kind: 'missing' }
  | { readonly kind: 'server'; readonly url: string; readonly folder: string; readonly pid: number; readonly startTime: string };

/** Ends the server of a run, where one was started; whether or not its start came to an end. */
export async function endRunPostgres(runFolder: string): Promise<void> {
  for (const name of [RUN_POSTGRES, `new-${RUN_POSTGRES}`]) {
    const path = join(runFolder, name);
    if (!existsSync(path)) continue;
    const one = JSON.parse(readFileSync(path, 'utf8')) as RunPostgres;
    if (one.kind === 'missing') continue;
    // SIGTERM waits for connections to end: a client that was killed may leave some, so it is not given long.
    await endProcess(one, 2_000);
    rmSync(one.folder, { recursive: true, force: true });
  }
}
