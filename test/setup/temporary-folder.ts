import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { inject } from 'vitest';

/** Where a run notes the folders that its tests have made, a file each. */
const notesIn = (runFolder: string): string => join(runFolder, 'temporary-folders');

/**
 * A folder in the system's temporary one that is gone when the test run has ended, at the latest: also where the test fails, or the run is killed (then
 * at the next run's beginning). It does not lie in the run's own folder, whose longer path sockets would not bear. A test that makes many, or large ones, removes
 * them itself.
 * @param name what the folder's name begins with. @param parent where it is made
 */
export function temporaryFolder(name: string, parent: string = tmpdir()): string {
  const folder = mkdtempSync(join(parent, `${name}-`));
  const notes = notesIn(inject('runFolder'));
  mkdirSync(notes, { recursive: true });
  writeFileSync(join(notes, basename(folder)), folder);
  return folder;
}

/** Removes what the tests of a run have left. */
export function removeTemporaryFolders(runFolder: string): void {
  const notes = notesIn(runFolder);
  for (const note of readNotes(notes)) rmSync(readFileSync(join(notes, note), 'utf8'), { recursive: true, force: true });
}

function readNotes(notes: string): readonly string[] {
  try {
    return readdirSync(notes);
  } catch (error) {
    // Of a run in which nobody made any.
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}
