import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stopRecorded } from '../../temporal/embedded-server.js';
import { claim } from '../../temporal/file-lock.js';
import { stopDemoSidecar } from '../demo/sidecar.js';

const PREFIX = 'reseal-rehearsal-';
const lockOf = (home: string): string => join(home, 'up.lock');

/** A folder of a rehearsal's own. */
export interface RehearsalHome {
  readonly folder: string;
  /** Ends what still runs on it, and removes it. */
  remove(): Promise<void>;
}

/** A new folder in the system's folder for temporary files; what rehearsals that were killed have left there is removed first. */
export async function rehearsalHome(): Promise<RehearsalHome> {
  await removeLeftOvers();
  const folder = mkdtempSync(join(tmpdir(), PREFIX));
  claim(lockOf(folder));
  return { folder, remove: () => removeHome(folder) };
}

async function removeHome(folder: string): Promise<void> {
  await stopRecorded(folder);
  await stopDemoSidecar(folder);
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}

/** Of this user alone, and only what no process holds any more. */
async function removeLeftOvers(): Promise<void> {
  for (const name of readdirSync(tmpdir())) {
    const folder = join(tmpdir(), name);
    if (!name.startsWith(PREFIX) || !isOwn(folder) || !existsSync(lockOf(folder))) continue;
    if ('release' in claim(lockOf(folder))) await removeHome(folder);
  }
}

function isOwn(folder: string): boolean {
  try {
    const { uid } = statSync(folder);
    return uid === process.getuid?.();
  } catch {
    // Another process has removed it in this moment.
    return false;
  }
}
