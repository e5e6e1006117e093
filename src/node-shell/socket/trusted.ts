import { lstatSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Everybody else than owner and group. */
const OTHERS = 0o007;
const OTHERS_WRITE = 0o002;

/** Where who asks and who listens both write: what is to be signed. */
export const bundlesFolder = (socket: string): string => join(dirname(socket), 'bundles');

/** Why a folder is no place for a socket; null where it is one. A folder that everybody may write lets everybody put a socket of theirs there. */
export function folderTrouble(socket: string, owners: readonly number[]): string | null {
  const folder = dirname(socket);
  const stat = lstatSync(folder, { throwIfNoEntry: false });
  if (stat === undefined) return `the folder ${folder} is not there`;
  if (!stat.isDirectory()) return `${folder} is no folder`;
  if (![0, ...owners].includes(stat.uid)) return `the folder ${folder} belongs to user ${stat.uid}`;
  return (stat.mode & OTHERS_WRITE) === 0 ? null : `everybody may write the folder ${folder}`;
}

/**
 * Why what is at a path is not the socket that is looked for; null where it is.
 * @param owners user ids that it may belong to. @param account whose it is to be, in words
 */
export function socketTrouble(socket: string, owners: readonly number[], account: string): string | null {
  const folder = folderTrouble(socket, owners);
  if (folder !== null) return folder;
  const stat = lstatSync(socket, { throwIfNoEntry: false });
  if (stat === undefined) return `there is no ${socket}`;
  if (!stat.isSocket()) return `${socket} is no socket`;
  if (!owners.includes(stat.uid)) return `${socket} belongs to user ${stat.uid}, not to ${account}`;
  return (stat.mode & OTHERS) === 0 ? null : `everybody may use ${socket}`;
}
