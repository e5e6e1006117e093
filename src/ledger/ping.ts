import pg from 'pg';
import { reaching } from './reachable.js';

/** Whether a PostgreSQL server answers; changes nothing there. Throws DATABASE_UNREACHABLE; gives the server's version. */
export async function pingDatabase(url: string): Promise<string> {
  const { host, pathname } = new URL(url);
  return reaching(`${host}${pathname}`, async () => {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000, query_timeout: 5_000 });
    client.on('error', () => undefined);
    try {
      await client.connect();
      const { rows } = await client.query<{ server_version: string }>('show server_version');
      return rows[0]?.server_version ?? '';
    } finally {
      await client.end().catch(() => undefined);
    }
  });
}
