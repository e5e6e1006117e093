import { homedir } from 'node:os';
import { join } from 'node:path';

/** `${XDG_CACHE_HOME:-~/.cache}/reseal`: outside tools that reseal obtained once for this user. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  return join(
    env['XDG_CACHE_HOME'] !== undefined && env['XDG_CACHE_HOME'] !== '' ? env['XDG_CACHE_HOME'] : join(homedir(), '.cache'),
    'reseal',
  );
}
