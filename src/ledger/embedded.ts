import { constants, cpSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PGlite } from '@electric-sql/pglite';
import { ResealError } from '../domain/errors.js';

/**
 * An empty database that the build made (scripts/build.mjs): to make one takes seconds, ten of a processor's time; to copy one, a fraction of a
 * second. It lies beside dist/src, or, where the sources themselves run, in dist/.
 */
function emptyDatabase(): string | undefined {
  return ['../../empty-ledger', '../../dist/empty-ledger']
    .map((folder) => fileURLToPath(new URL(folder, import.meta.url)))
    .find((folder) => existsSync(join(folder, 'PG_VERSION')));
}

/**
 * Whole or not at all: a process that is killed meanwhile leaves a draft, which the next one removes. Synchronous: a thousand small files,
 * which one asynchronous copy after the other takes three times as long for.
 */
function copyEmpty(empty: string, folder: string): void {
  const draft = `${folder}.draft`;
  rmSync(draft, { recursive: true, force: true });
  cpSync(empty, draft, { recursive: true, mode: constants.COPYFILE_FICLONE });
  renameSync(draft, folder);
}

/** Opens the database in `folder`, which is made where it is missing; this process alone uses it. Throws DATABASE_UNREACHABLE. */
export async function openEmbedded(folder: string): Promise<PGlite> {
  try {
    mkdirSync(dirname(folder), { recursive: true });
    const empty = existsSync(folder) ? undefined : emptyDatabase();
    if (empty !== undefined) copyEmpty(empty, folder);
    return await PGlite.create(folder);
  } catch (error) {
    throw new ResealError(
      'DATABASE_UNREACHABLE',
      `The embedded database in ${folder} cannot be opened. Check that no other process uses it and that the disk has room.`,
      { cause: error },
    );
  }
}
