import { readFile } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { openDeclaredStore } from '../../../activities/manifest-store/declared.js';
import type { OpenStore } from '../../../activities/manifest-store/contract.js';
import { loadConfiguration, type Configuration } from '../../configuration/load.js';
import { isSha256, type LineName, type Sha256 } from '../../domain/brands.js';
import { ResealError } from '../../domain/errors.js';
import type { Manifest } from '../../domain/manifest.js';
import { sha1Of, sha256Of } from '../../manifest/digest.js';
import { parseManifest } from '../../manifest/parse.js';
import type { Context } from '../command.js';
import { configFolder, configFolderToRead } from '../config-folder.js';
import { homeFolder } from '../home.js';

export interface NamedManifest {
  /** As the person named it. */
  readonly name: string;
  readonly sha256: Sha256;
  readonly sha1: string;
  readonly bytes: Uint8Array;
  readonly manifest: Manifest;
}

type WorkWithStores<T> = (configuration: Configuration, storeOf: (line: string) => Promise<OpenStore>) => Promise<T>;

/** Works with the configuration's stores and closes them afterwards. */
export const withStores = <T>(context: Context, work: WorkWithStores<T>): Promise<T> => withStoresIn(context, configFolder(context), work);

/** The same for what only reads: then the stores of the reseal that runs will do where no configuration is named. */
export const withStoresToRead = async <T>(context: Context, work: WorkWithStores<T>): Promise<T> =>
  withStoresIn(context, await configFolderToRead(context), work);

async function withStoresIn<T>(context: Context, folder: string, work: WorkWithStores<T>): Promise<T> {
  const home = homeFolder(context.home, context.env, context.cwd);
  const configuration = loadConfiguration(folder);
  const open = new Map<string, OpenStore>();
  const storeOf = async (line: string): Promise<OpenStore> => {
    const declared = configuration.topology.lines[line as LineName];
    if (declared === undefined) {
      throw new ResealError(
        'NOT_FOUND',
        `topology.yaml declares no line ${line}; it declares ${Object.keys(configuration.topology.lines).join(', ')}.`,
      );
    }
    const known = open.get(declared.store) ?? (await openDeclaredStore(configuration.reseal, declared.store, home));
    open.set(declared.store, known);
    return known;
  };
  try {
    return await work(configuration, storeOf);
  } finally {
    for (const store of open.values()) await store.close();
  }
}

/** A manifest by path, by digest (in any store of the configuration), or by line (its head). */
export async function readNamed(context: Context, name: string): Promise<NamedManifest> {
  const bytes = await bytesOf(context, name);
  return { name, bytes, sha256: sha256Of(bytes), sha1: sha1Of(bytes), manifest: parseManifest(bytes, basename(name)) };
}

/** What names a file, and neither a digest nor a line. */
export const isPath = (name: string): boolean => !isSha256(name) && (name.includes('/') || name.includes('.'));

async function bytesOf(context: Context, name: string): Promise<Uint8Array> {
  if (isPath(name)) return fileBytes(resolve(context.cwd, name));
  return withStoresToRead(context, async (configuration, storeOf) => {
    if (!isSha256(name)) {
      const store = await storeOf(name);
      const head = await store.head(name as LineName);
      if (head === null)
        throw new ResealError(
          'NOT_FOUND',
          `Line ${name} has no manifest yet. Freeze its first one: reseal manifest freeze DIR --line ${name} --first`,
        );
      return store.manifest(head.digest);
    }
    let last: unknown = new ResealError('NOT_FOUND', `No store has a manifest ${name}.`);
    for (const line of Object.keys(configuration.topology.lines)) {
      try {
        return await (await storeOf(line)).manifest(name);
      } catch (error) {
        last = error;
      }
    }
    throw last;
  });
}

async function fileBytes(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new ResealError('FILE_UNREADABLE', `${path} cannot be read. Give a manifest's path, its SHA-256, or the name of a line.`, {
      cause: error,
    });
  }
}

export const MANIFEST = { manifest: { kind: 'text', description: 'A path, a SHA-256, or a line (its head)', required: true } } as const;
