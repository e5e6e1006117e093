import { realpathSync, lstatSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { exchange, type Exchange } from './exchange.js';
import { socketTrouble } from './trusted.js';

/** Group and others. */
const NOT_THE_OWNER_WRITES = 0o022;

/**
 * Asks whoever owns the folder that a socket lies in, and nobody else: the folder is named in the configuration, its owner alone may write it, and the
 * socket is that owner's. @returns the line that was answered, or in a sentence why there is none
 */
export async function askOwner(request: Exchange): Promise<{ readonly line: string } | string> {
  const { name, start } = request.listener;
  const folder = folderOf(request.socket);
  // By its real path: that of a socket has room for a hundred letters, and a simulated Mac's own is longer.
  const socket = join(folder ?? dirname(request.socket), basename(request.socket));
  const trouble = folder === null ? `the folder ${dirname(request.socket)} is not there` : troubleOf(socket, folder);
  return trouble === null ? exchange({ ...request, socket }) : `${name} is not there: ${trouble}. ${start}`;
}

function troubleOf(socket: string, folder: string): string | null {
  try {
    const { uid, mode } = lstatSync(folder);
    if ((mode & NOT_THE_OWNER_WRITES) !== 0) return `others than its owner may write the folder ${folder}`;
    return socketTrouble(socket, [uid], `user ${uid}, whose folder it is`);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EACCES')) throw error;
    return `this account may not look into the folder ${folder}; it has to be in the group of that folder`;
  }
}

function folderOf(socket: string): string | null {
  try {
    return realpathSync(dirname(socket));
  } catch {
    return null;
  }
}
