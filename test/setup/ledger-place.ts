import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import pg from 'pg';
import type { LedgerPlace } from '../../src/ledger/open.js';
import { startTimeOf } from '../../src/temporal/process-identity.js';
import { oncePerRun } from './once-per-run.js';
import { preparePostgres, untilAnswers } from './postgres.js';
import { RUN_POSTGRES, type RunPostgres } from './run-postgres.js';

/** The server outlives the test file that asks for it first: `test/setup/global.ts` ends it. */
async function startForRun(draft: string): Promise<void> {
  const prepared = await preparePostgres();
  const record = (what: RunPostgres): void => writeFileSync(draft, JSON.stringify(what));
  if ('missing' in prepared) return record({ kind: 'missing' });
  const { url, folder, command, args, user } = prepared;
  // Nothing of it is kept: no vacuum, and it need not survive a loss of power.
  const server = spawn(command, [...args, '-c', 'autovacuum=off', '-c', 'full_page_writes=off', '-c', 'max_connections=300'], {
    stdio: 'ignore',
    cwd: folder,
    detached: true,
    ...user,
  });
  server.unref();
  const pid = server.pid;
  const startTime = pid === undefined ? null : startTimeOf(pid);
  if (pid === undefined || startTime === null) throw new Error(`${command} did not start`);
  record({ kind: 'server', url, folder, pid, startTime });
  await untilAnswers(url);
}

/**
 * Where a test whose subject is not the ledger keeps one: a database of its own on one PostgreSQL server of this test run, which takes a
 * twentieth of a second where PGlite takes four of a processor's time. On a machine without PostgreSQL it is PGlite.
 * @param folder of the embedded database, which is not there yet
 */
export async function ledgerPlace(folder: string): Promise<LedgerPlace> {
  const one = JSON.parse(readFileSync(await oncePerRun(RUN_POSTGRES, startForRun), 'utf8')) as RunPostgres;
  if (one.kind === 'missing') return { kind: 'embedded', folder };
  const name = `ledger_${randomUUID().replaceAll('-', '')}`;
  const client = new pg.Client({ connectionString: one.url });
  await client.connect();
  try {
    await client.query(`create database ${name}`);
  } finally {
    await client.end();
  }
  const url = new URL(one.url);
  url.pathname = name;
  return { kind: 'url', url: url.href };
}
