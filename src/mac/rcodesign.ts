import { accessSync, constants } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { delimiter, join } from 'node:path';

/** The release of apple-codesign (crates.io) that signing sidecars and simulated Macs sign with. */
export const RCODESIGN_VERSION = '0.29.0';

/** Where `rcodesign` is: RESEAL_RCODESIGN, else on the PATH, else where this project keeps it; null where there is none. */
export function findRcodesign(env: NodeJS.ProcessEnv = process.env): string | null {
  const named = env['RESEAL_RCODESIGN'];
  if (named) return isExecutable(named) ? named : null;
  const onPath = (env['PATH'] ?? '').split(delimiter).filter(Boolean);
  const caches = [env['XDG_CACHE_HOME'], join(homedir(), '.cache'), join(userInfo().homedir, '.cache')].filter((one) => one !== undefined);
  const kept = caches.map((cache) => join(cache, 'reseal', 'rcodesign', RCODESIGN_VERSION, 'bin'));
  return [...onPath, ...kept].map((folder) => join(folder, 'rcodesign')).find(isExecutable) ?? null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
