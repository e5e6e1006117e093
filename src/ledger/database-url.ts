import { ResealError } from '../domain/errors.js';
import type { ResealConfiguration } from '../schema/reseal.js';

/** The address of the PostgreSQL server that reseal.yaml names; null: the database is embedded. @throws ResealError CONFIG_INVALID for a variable that is not set */
export function databaseUrl({ database }: Pick<ResealConfiguration, 'database'>, env: NodeJS.ProcessEnv): string | null {
  if (database === 'embedded') return null;
  const name = database.slice('env:'.length);
  const url = env[name];
  if (url === undefined || url === '')
    throw new ResealError('CONFIG_INVALID', `reseal.yaml takes the database's address from ${name}, which is not set.`);
  return url;
}
