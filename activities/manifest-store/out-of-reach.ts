import { readdir } from 'node:fs/promises';
import { ResealError } from '../../src/domain/errors.js';
import { GitFailure, NO_SPACE } from '../git/command.js';

/** What people call a store, and where they look for it. */
export interface SpokenPlace {
  readonly name?: string;
  readonly url?: string;
  readonly repository?: string;
}

/** Where a store is, and what people call it. */
export interface StorePlace extends SpokenPlace {
  /** Its name in reseal.yaml, where it has one. */
  readonly name?: string;
  /** Absolute path of the bare repository; of a store by URL, of its clone on this machine. */
  readonly repository: string;
  /** Of a store that git reaches by an address. */
  readonly url?: string;
}

/** Where people look for it: its address, or its path. */
export const whereabouts = ({ url, repository }: SpokenPlace): string => url ?? repository ?? '';

/** `The store main (/srv/store.git)`, the beginning of every sentence about it. */
export const theStore = (place: SpokenPlace): string =>
  place.name === undefined ? `The store ${whereabouts(place)}` : `The store ${place.name} (${whereabouts(place)})`;

const BRING_BACK = 'Bring it back (is its disk mounted? is its place in reseal.yaml right?); nothing is decided without it.';
const BEGIN = "a line's first manifest makes it: reseal manifest freeze DIR --line LINE --first.";

/**
 * Why there is no store in its place, in words; null where there is something. An empty folder counts as none: it is what a disk that is not
 * mounted leaves. Not a synchronous call: a disk that hangs would hold up everything else in this process.
 */
export async function absenceOf(repository: string): Promise<string | null> {
  try {
    return (await readdir(repository)).length === 0
      ? `there is an empty folder in its place. ${BRING_BACK} To begin a new one, remove that folder; ${BEGIN}`
      : null;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT'
      ? `it is gone, or has never been there. ${BRING_BACK} Where there has never been one, ${BEGIN}`
      : null;
  }
}

/** Says in plain words why the store cannot be used. */
export async function outOfReach(place: StorePlace, cause: unknown): Promise<ResealError> {
  if (cause instanceof ResealError) return cause;
  const said = (cause instanceof GitFailure ? cause.said : cause instanceof Error ? cause.message : String(cause)).trim();
  const reason = (await absenceOf(place.repository)) ?? plainReason(said);
  return new ResealError('STORE_UNREACHABLE', `${theStore(place)} cannot be used: ${reason}`, { cause });
}

/** What a disk says. */
export function plainReason(said: string): string {
  if (/not a git repository|invalid gitfile/i.test(said))
    return 'it is not a git repository. Check `stores` in reseal.yaml, or move what is there away.';
  if (NO_SPACE.test(said)) return 'its disk is full. Free some space and try again.';
  if (/EACCES|EPERM|permission denied/i.test(said)) return 'this account may not read or write it. Check its owner and its modes.';
  if (/EROFS|read-only file system/i.test(said)) return 'its file system is read-only.';
  if (/ENOTDIR|EEXIST/i.test(said)) return 'there is a file where a folder should be.';
  return `git says: ${said || 'nothing'}.`;
}
