import { posix } from 'node:path';
import type { NodePath } from '../../src/node-shell/contract.js';
import type { Held } from './fence.js';
import type { WritingSession } from './session.js';
import { StateFile } from './state-file.js';

const record = (session: WritingSession): StateFile<readonly NodePath[]> => new StateFile(session.files, session.paths.stateFile('folders.json'));

/** Makes folders, and remembers first which of them builds did not have before, so that they can go again. */
export async function makeFolders(session: WritingSession, wanted: readonly NodePath[]): Promise<void> {
  const { files, paths, name, order } = session;
  const missing = [...new Set(wanted.flatMap((folder) => files.missingFolders(folder)))];
  if (missing.length === 0) return;
  const own = files.resolve(paths.state);
  const seen = missing.filter((folder) => !`${files.resolve(folder)}/`.startsWith(`${own}/`));
  if (seen.length > 0) {
    const known = record(session).read(name) ?? [];
    await record(session).write(name, [...new Set([...known, ...seen])], order.opId);
  }
  for (const folder of wanted) files.makeFolders(folder);
  await files.syncFolders(missing.map((folder) => posix.dirname(folder)));
}

/** Removes the folders that reseal made and that are empty by now, innermost first: the trees are again as they were before it came. */
export async function removeOwnFolders(session: WritingSession, held: Held): Promise<boolean> {
  const known = record(session).read(session.name) ?? [];
  if (known.length === 0) return false;
  const { files, order } = session;
  const empty = [...known].sort((a, b) => b.length - a.length);
  const gone: NodePath[] = [];
  for (const folder of empty) {
    if (files.stamp(folder) !== '' && !isEmptyBut(files.list(folder), gone, folder)) continue;
    gone.push(folder);
  }
  if (gone.length === 0) return false;
  await session.attempt.journal.intend(gone.map((folder) => ({ do: 'remove-folder', subject: folder })));
  for (const folder of gone) {
    held.check();
    files.removeEmptyFolder(folder);
    session.attempt.journal.result({ do: 'remove-folder', subject: folder }, true);
  }
  await files.syncFolders(gone.map((folder) => posix.dirname(folder)).filter((folder) => files.stamp(folder) !== ''));
  const left = known.filter((folder) => !gone.includes(folder) || files.stamp(folder) !== '');
  await record(session).write(session.name, left, order.opId);
  return true;
}

const isEmptyBut = (names: readonly string[], gone: readonly NodePath[], folder: NodePath): boolean =>
  names.every((name) => gone.includes(`${folder}/${name}`));
