import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { ResealError } from '../../src/domain/errors.js';
import type { CandidateOrigin } from '../../src/domain/successor.js';
import { readProfileFile, type VerifiedProfiles } from '../../src/profile/index.js';
import type { Candidate, IgnoredFile, Listing, ProfileSource } from './contract.js';

const SUFFIX = '.mobileprovision';

interface DropOptions {
  /** As in reseal.yaml. */
  readonly name: string;
  readonly folder: string;
  readonly profiles: VerifiedProfiles;
  /** Names of nodes: a folder of that name holds what is for that node alone, any other folder is a variant. */
  readonly holders: readonly string[];
}

type Found = { readonly candidate: Candidate } | { readonly ignored: IgnoredFile };

/**
 * A folder into which people drop successors: `[<holder>/][<variant>/]*.mobileprovision`. Files are read without following
 * symbolic links and up to `MAX_PROFILE_BYTES`; nothing that lies there can make `list` fail. Hidden files are passed over.
 */
export function createDropSource(options: DropOptions): ProfileSource {
  return {
    name: options.name,
    list: async (): Promise<Listing> => {
      const found = await listFolder(options, options.folder, []);
      return {
        candidates: found.flatMap((one) => ('candidate' in one ? [one.candidate] : [])),
        ignored: found.flatMap((one) => ('ignored' in one ? [one.ignored] : [])),
      };
    },
  };
}

/** @param below names of the folders between the drop folder and `folder` */
async function listFolder(options: DropOptions, folder: string, below: readonly string[]): Promise<readonly Found[]> {
  let entries: readonly Dirent[];
  try {
    entries = await entriesOf(folder);
  } catch (cause) {
    if (below.length === 0) throw noDropFolder(options.folder, cause);
    return [ignored(options, folder, unreadable(cause))];
  }
  const place = placeOf(below, options.holders);
  const found: Found[] = [];
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.name.startsWith('.')) continue;
    if (entry.isSymbolicLink()) found.push(ignored(options, path, 'is a symbolic link; put the file itself here'));
    else if (entry.isDirectory()) found.push(...(await listFolder(options, path, [...below, entry.name])));
    else if (!entry.isFile()) found.push(ignored(options, path, 'is not a regular file'));
    else if (!entry.name.endsWith(SUFFIX)) found.push(ignored(options, path, `does not end in ${SUFFIX}`));
    else if (typeof place === 'string') found.push(ignored(options, path, place));
    else found.push(await read(options, path, place));
  }
  return found;
}

/** In order of names, so that two listings of the same files are the same. */
async function entriesOf(folder: string): Promise<readonly Dirent[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function noDropFolder(folder: string, cause: unknown): ResealError {
  return new ResealError('FILE_UNREADABLE', `The drop folder ${folder} cannot be read. Create it, or correct sources in reseal.yaml.`, {
    cause,
  });
}

type Place = Pick<CandidateOrigin, 'holder' | 'variant'>;

/** What the folders say; a sentence where they say nothing that is understood. */
function placeOf(below: readonly string[], holders: readonly string[]): Place | string {
  const [first, second, ...deeper] = below;
  if (first === undefined) return {};
  if (deeper.length > 0) return 'lies too deep; expected [<holder>/][<variant>/]';
  const isHolder = holders.includes(first);
  if (second === undefined) return isHolder ? { holder: first } : { variant: first };
  return isHolder ? { holder: first, variant: second } : `lies below "${first}", which is no node of the topology`;
}

async function read(options: DropOptions, path: string, place: Place): Promise<Found> {
  try {
    const bytes = await readProfileFile(path, { links: 'refused' });
    const { profile } = options.profiles.verify(bytes);
    return { candidate: { profile, bytes, origin: { source: options.name, path: shown(options, path), ...place } } };
  } catch (error) {
    return ignored(options, path, error instanceof ResealError ? error.message : unreadable(error));
  }
}

const unreadable = (error: unknown): string => `cannot be read: ${error instanceof Error ? error.message : String(error)}`;

const shown = (options: DropOptions, path: string): string => join(options.name, relative(options.folder, path));

const ignored = (options: DropOptions, path: string, reason: string): Found => ({
  ignored: { source: options.name, path: shown(options, path), reasons: [reason] },
});
