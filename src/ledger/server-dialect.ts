import { PostgresDialect, type Dialect } from 'kysely';
import pg from 'pg';
import { ResealError } from '../domain/errors.js';
import type { Whereabouts } from './reachable.js';

/** A statement that takes longer counts as a database that does not answer; the ledger's are all short. */
const STATEMENT_TIMEOUT = 15_000;

/** How a PostgreSQL server is spoken to. @param connections at most so many at a time @throws ResealError CONFIG_INVALID */
export function serverDialect(url: string, connections: number): { readonly dialect: Dialect; readonly where: Whereabouts } {
  const where = whereaboutsOf(url);
  const pool = new pg.Pool({
    connectionString: url,
    application_name: 'reseal',
    max: connections,
    connectionTimeoutMillis: 5_000,
    query_timeout: STATEMENT_TIMEOUT,
    keepAlive: true,
  });
  // An idle connection that breaks is dropped by the pool and replaced at the next statement, which says so if it cannot be.
  pool.on('error', () => undefined);
  return { dialect: new PostgresDialect({ pool }), where };
}

/** @throws ResealError CONFIG_INVALID */
function whereaboutsOf(url: string): Whereabouts {
  try {
    const { host, pathname } = new URL(url);
    return `${host === '' ? 'local socket' : host}${pathname}`;
  } catch {
    throw new ResealError('CONFIG_INVALID', 'The database URL is not one. It has the form postgres://user:password@host:port/database.');
  }
}
